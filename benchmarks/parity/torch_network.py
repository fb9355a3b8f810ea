"""The network in PyTorch, shared by the frameworks built on it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

from benchmarks.parity.cases import CLASS_WEIGHTS, CLASSES, FEATURES, HIDDEN, Case, Weights, initial_weights, make_data


def network() -> nn.Sequential:
    """(n, F) to (n, K), at the initial weights."""
    model = nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, CLASSES))
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), initial_weights(), strict=True):
            parameter.copy_(torch.from_numpy(value.T))
    return model


def weights_of(model: nn.Module) -> Weights:
    """The weights in the table's orientation."""
    return [p.detach().cpu().numpy().T for p in model.parameters()]


def criterion(case: Case) -> nn.CrossEntropyLoss:
    """The mean over a micro-batch, as in most training loops."""
    return nn.CrossEntropyLoss(weight=torch.tensor(CLASS_WEIGHTS, dtype=torch.float32) if case.weighted else None)


class InOrder(Sampler[list[int]]):
    """Batches of the case's sizes, in order."""

    def __init__(self, case: Case) -> None:
        self.sizes = case.sizes

    def __iter__(self) -> Iterator[list[int]]:
        for end, size in zip(np.cumsum(self.sizes), self.sizes, strict=True):
            yield list(range(end - size, end))

    def __len__(self) -> int:
        return len(self.sizes)


def dataset(case: Case) -> TensorDataset:
    """The case's samples."""
    return TensorDataset(*map(torch.from_numpy, make_data(sum(case.sizes))))


def loader(case: Case, **settings: Any) -> DataLoader[tuple[Tensor, Tensor]]:
    """The case's micro-batches."""
    return DataLoader(dataset(case), batch_sampler=InOrder(case), **settings)
