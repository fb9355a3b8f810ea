"""Judging a model on a part of the data. Nothing of the training is touched: no mode, gradient or random number.

A window gets the same bits in every evaluation: whatever windows are judged with it, wherever it stands among them, in
whatever process, on however many threads of one kind of processor. Three things see to that:

- Every batch has `EVALUATION_BATCH` windows, the last one filled up with zeros: products of matrices of another size
  add in another order.
- That is a multiple of 32. The processor's widest registers take 16 numbers, torch takes two of them at a time, and
  what is left at the end of a tensor goes through other formulas: the last windows of a batch of 16 would differ.
- A batch is computed by one thread, and threads take whole batches: where they share a tensor, the cut between them is
  such an end too.

Letters: n windows, B of a batch, C signals, L steps, K classes, P features.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from data_provider import WindowSet
from models.rivals import Rival
from utils.predictions import Predictions

EVALUATION_BATCH = 32
T = TypeVar("T")
Answer = tuple[Tensor, Tensor | None]  # (B, K) logits and (B, P) features of the last layer but one, None of a rival


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


@contextmanager
def answering(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Evaluation mode, in the precision of the model's parameters."""
    with evaluation_mode(model), _precision(model, device):
        yield


def answer(model: nn.Module, x: Tensor, device: torch.device) -> Answer:
    """What a model in evaluation mode says about at most `EVALUATION_BATCH` windows (B, C, L).

    Returns:
        Logits and features, float32, on the CPU.
    """
    number = len(x)
    x = torch.cat([x, x.new_zeros(EVALUATION_BATCH - number, *x.shape[1:])]).to(device)
    with torch.no_grad(), _precision(model, device):
        if isinstance(model, Rival):
            return model(x)[:number].float().cpu(), None
        features = model.features(x)  # type: ignore[operator]
        logits = model.head(features)  # type: ignore[operator]
    return logits[:number].float().cpu(), features[:number].float().cpu()


def in_batches(
    work: Callable[[np.ndarray], T], model: nn.Module, places: np.ndarray, device: torch.device
) -> Iterator[T]:
    """What `work` makes of each batch of places, in their order, with the model in evaluation mode.

    On the CPU the threads that torch may use take a batch each; a rival, which may use threads itself, is asked by one.
    """
    batches = [places[low : low + EVALUATION_BATCH] for low in range(0, len(places), EVALUATION_BATCH)]
    threads = torch.get_num_threads()
    with evaluation_mode(model):
        if device.type != "cpu" or isinstance(model, Rival):
            yield from map(work, batches)
            return
        try:
            with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                yield from pool.map(work, batches)
        finally:
            torch.set_num_threads(threads)


def answers(model: nn.Module, windows: WindowSet, places: np.ndarray, device: torch.device) -> Answer:
    """(n, K) logits and (n, P) features of the windows at some places of a part."""

    def work(batch: np.ndarray) -> Answer:
        return answer(model, windows.gather(batch).x, device)

    pieces = list(in_batches(work, model, places, device))
    features = [piece for _, piece in pieces if piece is not None]
    return torch.cat([logits for logits, _ in pieces]), torch.cat(features) if features else None


def logits_of(model: nn.Module, windows: WindowSet, device: torch.device) -> Tensor:
    """(n, K) float32 logits of all windows of a part, on the CPU."""
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


def _precision(model: nn.Module, device: torch.device) -> torch.autocast:
    dtype = next((p.dtype for p in model.parameters()), torch.float32)
    return torch.autocast(device.type, dtype=dtype, enabled=dtype == torch.bfloat16)
