"""What a model says about the windows of a part. Nothing of a training is touched: no mode, gradient or random number.

A network is evaluated in float64, where its weights and the windows, both float32, are exact. What another batch,
thread or processor does differently then shows in the 13th decimal or so of a probability, and `utils/written.py` cuts
that off: the same window gets the same written answer.

Letters: n windows, B of a batch, C signals, L steps, K classes, P features.
"""

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from data_provider import WindowSet
from exp.evaluation.predictions import Predictions
from layers.convolution import use_products
from models.baselines import Baseline

# Windows that are computed together, for speed alone: fewer on a processor, whose cache they have to fit.
BATCH, CACHED = 32, 16
T = TypeVar("T")
Answer = tuple[Tensor, Tensor | None]  # (B, K) logits and (B, P) features of the last layer but one, None of a baseline


def exact(model: nn.Module) -> nn.Module:
    """A network as it is evaluated: in float64 and evaluation mode, without gradients of its weights.

    It is a copy, unless the model is one of these already. A baseline computes in float64 by itself and is returned as
    it is.
    """
    if isinstance(model, Baseline) or _is_exact(model):
        return model
    model = copy.deepcopy(model).double().eval().requires_grad_(False)
    use_products(model)
    return model


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode without gradients; each module's own mode is restored."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def answer(model: nn.Module, x: Tensor, device: torch.device) -> Answer:
    """What a model in evaluation mode says about a batch of windows (B, C, L).

    Returns:
        Logits and features, float64, on the CPU.

    Raises:
        ValueError: the model is a network in another precision than `exact` gives it.
    """
    if not isinstance(model, Baseline) and not _is_exact(model):
        raise ValueError("a network is evaluated in float64: give the copy that exact() makes")
    with torch.no_grad():
        logits, features = outputs(model, x.to(device, torch.float64))
    return logits.cpu(), None if features is None else features.cpu()


def outputs(model: nn.Module, x: Tensor) -> Answer:
    """Logits and features for windows (B, C, L), where the model is and in its precision; gradients pass through."""
    if isinstance(model, Baseline):
        return model(x), None
    features = model.features(x)  # type: ignore[operator]
    return model.head(features), features  # type: ignore[operator]


def in_batches(
    work: Callable[[np.ndarray], T], model: nn.Module, places: np.ndarray, device: torch.device
) -> Iterator[T]:
    """What `work` makes of each batch of places, in their order, with the model in evaluation mode.

    On the CPU the threads that torch may use take a batch each, which is faster than sharing one; a baseline, which may
    use threads itself, runs on one.
    """
    shared = device.type == "cpu" and not isinstance(model, Baseline)
    size = CACHED if shared else BATCH
    batches = [places[low : low + size] for low in range(0, len(places), size)]
    threads = torch.get_num_threads()
    with evaluation_mode(model):
        if not shared:
            yield from map(work, batches)
            return
        try:
            with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                yield from pool.map(work, batches)
        finally:
            torch.set_num_threads(threads)


def answers(
    model: nn.Module, windows: WindowSet, places: np.ndarray, device: torch.device, *, kept: Tensor | None = None
) -> Answer:
    """(n, K) logits and (n, P) features, float64, of the windows at some places of a part.

    Args:
        model: on the device.
        windows: the part.
        places: n of its windows.
        device: where to compute.
        kept: (n, C) bool, the sensors that a window keeps, as where others have no readings; None for all.
    """
    model = exact(model)

    def work(batch: np.ndarray) -> Answer:
        x = windows.gather(places[batch]).x
        return answer(model, x if kept is None else x * kept[batch][:, :, None], device)

    pieces = list(in_batches(work, model, np.arange(len(places)), device))
    features = [piece for _, piece in pieces if piece is not None]
    return torch.cat([logits for logits, _ in pieces]), torch.cat(features) if features else None


def logits_of(model: nn.Module, windows: WindowSet, device: torch.device) -> Tensor:
    """(n, K) float64 logits of all windows of a part, on the CPU."""
    return answers(model, windows, np.arange(len(windows)), device)[0]


def loss_of(loss: nn.Module, logits: Tensor, target: Tensor) -> float:
    """The mean of a part's losses, weighed as in training; a loss that changes over the epochs takes its final form,
    so that epochs can be compared."""
    with evaluation_mode(loss):
        values, weights = loss(logits, target)
    return float((values.double() * weights.double()).sum() / weights.double().sum().clamp(min=1e-12))


def predictions_of(part: str, windows: WindowSet, logits: Tensor, classes: tuple[str, ...]) -> Predictions:
    """Probabilities beside the truth."""
    return Predictions(
        part=part,
        classes=classes,
        probabilities=torch.softmax(logits.double(), 1).numpy(),
        target=np.asarray(windows.targets),
        file=np.asarray(windows.file),
        start=np.asarray(windows.start),
        end=np.asarray(windows.end),
        block=np.asarray(windows.block),
    )


def _is_exact(model: nn.Module) -> bool:
    return all(p.dtype == torch.float64 for p in model.parameters())
