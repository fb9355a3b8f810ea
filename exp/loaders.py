"""The order in which a run sees its windows: a function of seed and epoch alone, so that it can be taken up anywhere.

Letters: n windows of a part.
"""

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import DataLoader, Sampler

from data_provider import WindowSet
from data_provider.frames import Batch
from utils.seeding import generator


class MicroBatches(Sampler[list[int]]):
    """One epoch's micro-batches of one process.

    The windows are shuffled once an epoch and cut into micro-batches; of these, process r of w takes every w-th. So
    the micro-batches of a step are, over all processes, those that a single process would take.

    Args:
        samples: n.
        sizes: sizes of micro-batches, repeated over the epoch; the last one may come out smaller.
        seed, epoch: what the order is a function of.
        rank, world: this process and their number.
        start: micro-batches of this process that are already done.
    """

    def __init__(
        self,
        *,
        samples: int,
        sizes: Sequence[int],
        seed: int,
        epoch: int,
        rank: int = 0,
        world: int = 1,
        start: int = 0,
    ) -> None:
        self.samples, self.sizes = samples, tuple(sizes)
        self.seed, self.epoch = seed, epoch
        self.rank, self.world, self.start = rank, world, start

    def __iter__(self) -> Iterator[list[int]]:
        order = torch.randperm(self.samples, generator=generator(self.seed, self.epoch)).tolist()
        bounds = self._bounds()
        for low, high in itertools.islice(bounds, self.rank + self.start * self.world, None, self.world):
            yield order[low:high]

    def __len__(self) -> int:
        return max(0, len(range(self.rank, len(self._bounds()), self.world)) - self.start)

    def _bounds(self) -> list[tuple[int, int]]:
        ends = itertools.takewhile(lambda end: end < self.samples, itertools.accumulate(itertools.cycle(self.sizes)))
        return list(itertools.pairwise([0, *ends, self.samples]))


def batches_in_order(windows: WindowSet, *, size: int) -> Iterator[Batch]:
    """All windows of a part, in their order, for evaluation."""
    for low in range(0, len(windows), size):
        yield windows.__getitems__(list(range(low, min(low + size, len(windows)))))


def train_loader(windows: WindowSet, micro_batches: MicroBatches, *, workers: int, pin: bool) -> DataLoader:
    """Loads micro-batches as they are; iterating draws nothing from the global random state."""
    return DataLoader(
        windows,
        batch_sampler=micro_batches,
        collate_fn=_as_it_is,
        num_workers=workers,
        pin_memory=pin,
        generator=torch.Generator(),
    )


def _as_it_is(batch: Batch) -> Batch:
    return batch
