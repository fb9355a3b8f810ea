"""Every entry of every registry, trained for a moment: does it run, what is its size, how fast is it, does it learn.

Letters: B windows of a micro-batch, C signals, L steps, K classes.
"""

import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from data_provider.frames import DataInfo
from exp.training.build import loss_for, optimizer_of
from exp.training.catalogue import Part, everything
from models.baselines import Baseline
from models.build import model_of, parameter_count
from utils.augment import Augment
from utils.errors import UserError
from utils.gradient_accumulation import GradientAccumulator
from utils.options import Options
from utils.schedulers import build_scheduler

SIGNALS, STEPS, CLASSES, MICRO_BATCH = 6, 48, 4, 4
TRAINED, ROUNDS = 24, 4  # windows, and how often they are seen
HEADER = ("flag", "choice", "parameters", "windows/s", "loss before", "loss after")


def rows(parts: list[Part] | None = None) -> Iterator[tuple[str, ...]]:
    """A row of text for each part, as it is trained.

    Args:
        parts: what to train; everything if None.
    """
    x, y = labelled_windows()
    for part in everything() if parts is None else parts:
        try:
            row = _trained(part, x, y)
        except UserError as error:  # a package that is not installed: an entry of an extra
            row = ("", "", "", f"not run: {error}")
        yield (f"--{part.flag}", part.value, *row)


def labelled_windows() -> tuple[Tensor, Tensor]:
    """(n, C, L) windows whose level tells their (n,) class."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(TRAINED) % CLASSES
    level = torch.linspace(-0.5, 0.5, CLASSES)[y]
    return (level[:, None, None] + 0.2 * torch.randn(TRAINED, SIGNALS, STEPS, generator=generator)).clamp(-1, 1), y


def _trained(part: Part, x: Tensor, y: Tensor) -> tuple[str, str, str, str]:
    torch.manual_seed(0)
    chosen: dict[str, Any] = {part.flag: part.value}
    options = Options(explicit=frozenset(chosen), **chosen)
    model = model_of(options, _info())
    if isinstance(model, Baseline):
        started = time.perf_counter()
        model.fit(x, y)
        seconds = time.perf_counter() - started
        after = float(torch.nn.functional.cross_entropy(model(x), y))
        return f"{parameter_count(model):,}", f"{len(x) / seconds:,.0f}", f"{math.log(CLASSES):.3f}", f"{after:.3f}"
    before, after, seconds = _train(options, model, x, y)
    speed = ROUNDS * len(x) / seconds
    return f"{parameter_count(model):,}", f"{speed:,.0f}", f"{before:.3f}", f"{after:.3f}"


def _train(options: Options, model: torch.nn.Module, x: Tensor, y: Tensor) -> tuple[float, float, float]:
    """Loss before and after, and seconds of training."""
    loss, optimizer = loss_for(options, _info()), optimizer_of(options, model, options.learning_rate)
    scheduler = build_scheduler(
        optimizer, name=options.lr_scheduler, steps_per_epoch=len(x) / MICRO_BATCH, epochs=ROUNDS
    )
    augment = Augment(spec=options.augment, seed=0)
    accumulator = GradientAccumulator(model, optimizer, clip_norm=options.clip_grad, on_step=lambda _: scheduler.step())
    means = []
    started = time.perf_counter()
    for number in range(ROUNDS):
        loss.set_epoch(number)
        for index in torch.arange(len(x)).split(MICRO_BATCH):
            step = accumulator.backward(*loss(model(augment(x[index], index, epoch=number)), y[index]))
            means.append(step.loss if step else math.nan)
        scheduler.evaluated(means[-1])
    seconds = time.perf_counter() - started
    part = len(x) // MICRO_BATCH // 2  # half a round
    before, after = sum(means[:part]) / part, sum(means[-part:]) / part
    if not math.isfinite(after):
        raise RuntimeError(f"the loss is {after}")
    return before, after, seconds


def _info() -> DataInfo:
    return DataInfo(
        data="invented",
        columns=tuple(f"signal {i}" for i in range(SIGNALS)),
        units=("",) * SIGNALS,
        classes=tuple(f"class {k}" for k in range(CLASSES)),
        normal=None,
        period_seconds=60,
        seq_len=STEPS,
        step=STEPS,
        counts={"train": (TRAINED // CLASSES,) * CLASSES},
        protocol="",
        leaking=False,
    )
