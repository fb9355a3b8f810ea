"""The order in which a run sees its windows: a function of seed and epoch alone, so that it can be taken up anywhere.

Letters: n windows of a part.
"""

import itertools
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from multiprocessing.context import BaseContext
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler

from data_provider import WindowSet
from utils.accumulation_plan import micro_batch_sizes
from utils.interrupt import SIGNALS
from utils.seeding import generator


class MicroBatches(Sampler[list[int]]):
    """One epoch's micro-batches of one process.

    The windows are shuffled once an epoch and cut into micro-batches; of these, process r of w takes every w-th. So
    the micro-batches of a step are, over all processes, those that a single process would take.

    Args:
        samples: n.
        sizes: sizes of a window's micro-batches, repeated over the epoch; the last one may come out smaller.
        seed, epoch: what the order is a function of.
        carried: micro-batches that the open accumulation window holds as the epoch begins.
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
        carried: int = 0,
        rank: int = 0,
        world: int = 1,
        start: int = 0,
    ) -> None:
        self.samples, self.seed, self.epoch = samples, seed, epoch
        everybody = [size for size in sizes for _ in range(world)]
        ends = itertools.accumulate(micro_batch_sizes(samples, everybody, start=carried * world), initial=0)
        self.bounds = list(itertools.pairwise(ends))[rank + start * world :: world]

    def __iter__(self) -> Iterator[list[int]]:
        order = torch.randperm(self.samples, generator=generator(self.seed, self.epoch)).tolist()
        return (order[low:high] for low, high in self.bounds)

    def __len__(self) -> int:
        return len(self.bounds)


def train_loader(windows: WindowSet, micro_batches: MicroBatches, *, workers: int, pin: bool) -> DataLoader:
    """Loads micro-batches as they are; iterating draws nothing from the global random state.

    Args:
        windows: a part of the data.
        micro_batches: which windows, and in what order.
        workers: processes that load; with 0 this one does.
        pin: whether to put them where a GPU can fetch them.
    """
    return DataLoader(
        windows,
        batch_sampler=micro_batches,
        collate_fn=_as_it_is,
        num_workers=workers,
        pin_memory=pin,
        generator=torch.Generator(),
        worker_init_fn=_deaf if workers else None,
        multiprocessing_context=_processes() if workers else None,
    )


def loading(loader: DataLoader) -> Iterator[Any]:
    """Starts an epoch of a loader.

    Its processes are started deaf to what asks a training to stop: a signal to the whole group of processes is for the
    training process, which saves and then ends them.
    """
    if not loader.num_workers or not hasattr(signal, "pthread_sigmask"):
        return iter(loader)
    former = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        return iter(loader)  # starts the server of processes, too, which keeps what is blocked now
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _deaf(number: int) -> None:
    """The same where the server of processes was there before."""
    for name in SIGNALS:
        signal.signal(name, signal.SIG_IGN)


def _processes() -> BaseContext:
    """How loading processes are made. A copy of this one (fork) could wait forever for a lock that one of its threads
    held at that moment, so Python 3.12 warns of it; they are copies of a server without threads where there is one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["data_provider.windows", "torch.utils.data"])  # imported once, not once an epoch
    return context


def _as_it_is(batch: Any) -> Any:
    return batch
