"""From options and the facts of the data to the parts of a training."""

import logging
import os
import shutil
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.optim import Optimizer

from data_provider import Prepared
from data_provider.frames import DataInfo
from utils.accumulation_plan import AccumulationPlan
from utils.augment import Mixup
from utils.cuda_graphs import GraphAccumulator
from utils.errors import UserError, unknown_name
from utils.gradient_accumulation import GradientAccumulator
from utils.loss_presets import build_loss, class_weights_from_counts, parse_class_weights
from utils.losses import Loss
from utils.optimizers import OPTIMIZERS, build_optimizer, decay_groups
from utils.options import Options
from utils.schedulers import Scheduler, build_scheduler

logger = logging.getLogger(__name__)


def loss_for(options: Options, info: DataInfo) -> Loss:
    """The loss: a preset's settings, overruled by explicit flags."""
    return loss_of(options, class_weights_of(options, info))


def loss_of(options: Options, class_weights: torch.Tensor | None) -> Loss:
    """The loss that the options choose, with (K,) weights of the classes or None."""
    chosen: dict[str, Any] = {
        name: getattr(options, name)
        for name in ("loss", "label_smoothing", "focal_alpha", "focal_gamma", "confidence_penalty")
    }
    return build_loss(preset=options.loss_preset, class_weights=class_weights, **chosen)


def class_weights_of(options: Options, info: DataInfo) -> torch.Tensor | None:
    """(K,) importance of the classes, or None where all count alike."""
    if options.class_weights:
        return parse_class_weights(options.class_weights, classes=info.classes)
    if options.enable_class_weights:
        return class_weights_from_counts(info.counts["train"])
    return None


def optimizer_of(options: Options, model: nn.Module, learning_rate: float) -> Optimizer:
    """The optimizer; with `--zero_optimizer` each process keeps the state of its share of the parameters."""
    if not options.zero_optimizer:
        return build_optimizer(
            model, name=options.optimizer, learning_rate=learning_rate, weight_decay=options.weight_decay
        )
    if not dist.is_initialized():
        raise UserError(
            "--zero_optimizer shares state among processes; start them with torchrun --nproc_per_node 2 run.py"
        )
    if options.optimizer not in OPTIMIZERS:
        raise unknown_name("optimizer of --zero_optimizer", options.optimizer, list(OPTIMIZERS))
    from torch.distributed.optim import ZeroRedundancyOptimizer  # takes more than a second to import

    groups = decay_groups(model, options.weight_decay)
    return ZeroRedundancyOptimizer(groups, optimizer_class=OPTIMIZERS[options.optimizer], lr=learning_rate)


def scheduler_of(options: Options, optimizer: Optimizer, steps_per_epoch: float) -> Scheduler:
    """The schedule of the learning rate."""
    return build_scheduler(
        optimizer,
        name=options.lr_scheduler,
        steps_per_epoch=steps_per_epoch,
        epochs=options.train_epochs,
        warmup_epochs=options.warmup_epochs,
        period=options.scheduler_period,
    )


def accumulator_of(
    options: Options,
    model: nn.Module,
    optimizer: Optimizer,
    plan: AccumulationPlan,
    device: torch.device,
    *,
    loss: Loss,
    tensors: tuple[torch.Tensor, ...] = (),
    **settings: Any,
) -> GradientAccumulator:
    """The engine of a training; on a GPU the one that replays, unless `--cuda_graphs` or something else is against it.

    Args:
        options, plan, device: how, how many, where.
        model, optimizer, loss: what is trained.
        tensors: what a pass changes beside gradients.
        settings: further ones of `GradientAccumulator`.

    Raises:
        UserError: replaying is required and impossible.
    """
    settings |= {"steps": plan.steps_at(0), "clip_norm": options.clip_grad, "carry": options.cross_epoch_accumulation}
    settings["buffer_dtype"] = torch.float32 if options.grad_buffer == "fp32" else None
    reason = _against_graphs(options, device)
    if reason and options.cuda_graphs == "on":
        raise UserError(f"--cuda_graphs on: {reason}; leave the flag out")
    if options.cuda_graphs == "off" or reason:
        if reason and device.type == "cuda":
            logger.info("CUDA graphs: off, for %s", reason)
        return GradientAccumulator(model, optimizer, **settings)
    return GraphAccumulator(
        model,
        optimizer,
        size=plan.sizes[0],
        constants=(model, loss),
        tensors=tensors,
        required=options.cuda_graphs == "on",
        **settings,
    )


def _against_graphs(options: Options, device: torch.device) -> str | None:
    """Why steps cannot be replayed, None where they can."""
    if device.type != "cuda":
        return "the training does not run on a GPU"
    if options.compile:
        return "--compile makes its own"
    return "pyts computes the images on the processor" if options.gaf_backend == "pyts" else None


def mixup_of(options: Options, data: Prepared) -> Mixup:
    """Mixup with partners from the whole training part."""
    return Mixup(
        alpha=options.mixup,
        classes=len(data.info.classes),
        samples=len(data.train),
        windows=data.train.__getitems__,
        seed=options.seed,
    )


def compile_network(model: nn.Module, device: torch.device) -> None:
    """Compiles in place: names of weights, checkpoints and copies stay as they are.

    Raises:
        UserError: nothing here turns generated code into a program.
    """
    compilers = [os.environ.get("CXX", ""), "c++", "g++", "clang++", "cl"]
    if device.type == "cpu" and not any(shutil.which(name) for name in compilers if name):
        raise UserError("--compile needs a C++ compiler, and none was found; install g++, or leave --compile out")
    model.compile()


def autocast(options: Options, device: torch.device) -> torch.autocast:
    """The reduced precision of `--amp`, or none; parameters in bfloat16 compute in it too."""
    name = "bf16" if options.param_dtype == "bf16" and options.amp == "none" else options.amp
    dtype = {"none": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[name]
    return torch.autocast(device.type, dtype=dtype, enabled=name != "none")
