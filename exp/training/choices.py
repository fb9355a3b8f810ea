"""What can be wrong with the options of a training, told before data is read."""

from torch import nn

from exp.training.build import loss_of, optimizer_of, scheduler_of
from exp.training.fit_network import plan_of
from models import MODELS
from models.baselines import BASELINES
from models.config import check
from utils.augment import Augment
from utils.errors import UserError, unknown_name
from utils.logs import silence
from utils.options import Options


def check_choices(options: Options) -> None:
    """Builds what needs no data, around a stand-in for the network.

    Raises:
        UserError: a name that no registry holds, a number that its owner does not take, or flags that contradict.
    """
    if options.auto and options.init:
        raise UserError(f"--auto would choose what --init {options.init} has fixed; leave one of the two out")
    if options.model in BASELINES:
        return
    if options.model not in MODELS:
        raise unknown_name("model", options.model, [*MODELS, *BASELINES])
    check(options, options.seq_len)
    Augment(spec=options.augment, seed=options.seed)
    with silence():
        loss_of(options, None)
        optimizer = optimizer_of(options.replace(zero_optimizer=False), nn.Linear(1, 1), options.learning_rate)
        scheduler_of(options, optimizer, 1)
        plan_of(options)
