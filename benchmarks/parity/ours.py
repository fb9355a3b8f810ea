"""This project's engine, `utils/gradient_accumulation.py`."""

import itertools

import torch
import torch.nn.functional as F

from benchmarks.parity.cases import CLASS_WEIGHTS, LEARNING_RATE, STEPS, Case, Weights
from benchmarks.parity.torch_network import loader, network, weights_of
from utils.gradient_accumulation import GradientAccumulator


def train(case: Case) -> Weights:
    """One checkpoint in mid-window holds model, optimizer and accumulator."""
    parts = _parts()
    for _ in range(case.epochs):
        _epoch(case, parts, 0, case.stop or None)
    if case.stop:
        states = [part.state_dict() for part in parts]
        parts = _parts()
        for part, state in zip(parts, states, strict=True):
            part.load_state_dict(state)
        _epoch(case, parts, case.stop, None)
    return weights_of(parts[0])


def _parts() -> tuple[torch.nn.Module, torch.optim.Optimizer, GradientAccumulator]:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    return model, optimizer, GradientAccumulator(model, optimizer, steps=STEPS)


def _epoch(case: Case, parts, first: int, last: int | None) -> None:
    model, _, accumulator = parts
    weights = torch.tensor(CLASS_WEIGHTS if case.weighted else [1.0] * len(CLASS_WEIGHTS), dtype=torch.float32)
    for x, y in itertools.islice(loader(case), first, last):
        accumulator.backward(F.cross_entropy(model(x), y, reduction="none"), weights[y])
    if last is None:
        accumulator.finish()
