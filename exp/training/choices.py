"""What can be wrong with the options of a training, told before data is read."""

from torch import nn

from exp.training.build import scheduler_of
from exp.training.fit_network import plan_of
from models import MODELS
from models.baselines import BASELINES
from models.config import check
from utils.augment import Augment
from utils.errors import unknown_name
from utils.logs import silence
from utils.loss_presets import build_loss
from utils.optimizers import build_optimizer
from utils.options import Options


def check_choices(options: Options) -> None:
    """Builds what needs no data, around a stand-in for the network.

    Raises:
        UserError: a name that no registry holds, or a number that its owner does not take.
    """
    if options.model in BASELINES:
        return
    if options.model not in MODELS:
        raise unknown_name("model", options.model, [*MODELS, *BASELINES])
    check(options, options.seq_len)
    Augment(spec=options.augment, seed=options.seed)
    with silence():
        build_loss(
            preset=options.loss_preset,
            loss=options.loss,
            label_smoothing=options.label_smoothing,
            focal_alpha=options.focal_alpha,
            focal_gamma=options.focal_gamma,
            confidence_penalty=options.confidence_penalty,
            class_weights=None,
        )
        optimizer = build_optimizer(
            nn.Linear(1, 1),
            name=options.optimizer,
            learning_rate=options.learning_rate,
            weight_decay=options.weight_decay,
        )
        scheduler_of(options, optimizer, steps_per_epoch=1)
        plan_of(options)
