"""What the tests of gradient accumulation share: a small network, data, and the distance of two gradients.

Letters: n samples, F features, K classes.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

FEATURES, CLASSES = 5, 3
WEIGHTS = torch.tensor([0.1, 1.0, 8.0], dtype=torch.float64)


def network(*, dropout: float = 0.0, dtype: torch.dtype = torch.float64, seed: int = 1) -> nn.Sequential:
    """(n, F) to (n, K), with the same initial weights for the same seed."""
    torch.manual_seed(seed)
    layers = (nn.Linear(FEATURES, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, CLASSES))
    return nn.Sequential(*layers).to(dtype)


def samples(number: int, *, dtype: torch.dtype = torch.float64, seed: int = 2) -> tuple[Tensor, Tensor]:
    """(n, F) and (n,) class numbers, rare classes among them."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(number, FEATURES, generator=draw, dtype=torch.float64).to(dtype)
    return x, torch.multinomial(torch.tensor([0.6, 0.3, 0.1]), number, replacement=True, generator=draw)


def micro_batches(x: Tensor, y: Tensor, sizes: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """The samples cut into micro-batches of these sizes."""
    return zip(x.split(list(sizes)), y.split(list(sizes)), strict=True)


def partition(number: int, draw: torch.Generator) -> list[int]:
    """A random way to cut n samples into at least two micro-batches."""
    cuts = torch.randperm(number - 1, generator=draw)[: int(torch.randint(1, number - 1, (), generator=draw))] + 1
    bounds = [0, *sorted(cuts.tolist()), number]
    return [high - low for low, high in itertools.pairwise(bounds)]


def flat(tensors: Iterable[Tensor | None]) -> Tensor:
    """All tensors as one long vector."""
    return torch.cat([t.detach().flatten() for t in tensors if t is not None])


def distance(a: Iterable[Tensor | None], b: Iterable[Tensor | None]) -> float:
    """|a - b| / |b|, each taken as one long vector."""
    first, second = flat(a), flat(b)
    return float((first - second).norm() / second.norm())


class Recorder(torch.optim.SGD):
    """Keeps the gradients that it is given and changes nothing."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model.parameters(), lr=0.0)
        self.steps: list[list[Tensor]] = []

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        self.steps.append([p.grad.clone() for group in self.param_groups for p in group["params"]])
