"""Which windows a run sees, and when."""

import pytest

from exp.training.loaders import MicroBatches
from exp.training.trainer import Trainer
from tests.training.kit import training


def order_of(epoch: int, *, seed: int = 0, **changes: int) -> list[int]:
    batches = MicroBatches(samples=50, sizes=[4, 3], seed=seed, epoch=epoch, **changes)
    return [index for batch in batches for index in batch]


def test_every_epoch_and_every_seed_has_an_order_of_its_own() -> None:
    orders = [tuple(order_of(epoch, seed=seed)) for epoch in range(4) for seed in range(3)]
    assert len(set(orders)) == len(orders)
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert order_of(2, seed=1) == order_of(2, seed=1)


@pytest.mark.parametrize("world", [1, 2, 3])
def test_processes_share_an_epoch_and_each_may_take_it_up_anywhere(world: int) -> None:
    whole = list(MicroBatches(samples=50, sizes=[4, 3], seed=0, epoch=1, carried=1))
    parts = [
        MicroBatches(samples=50, sizes=[4, 3], seed=0, epoch=1, carried=1, rank=rank, world=world)
        for rank in range(world)
    ]
    assert sorted(index for part in parts for batch in part for index in batch) == list(range(50))
    if world == 1:
        assert list(parts[0]) == whole
        assert [len(batch) for batch in whole[:4]] == [3, 4, 3, 4]  # a micro-batch of the window is done already
    for rank, part in enumerate(parts):
        rest = MicroBatches(samples=50, sizes=[4, 3], seed=0, epoch=1, carried=1, rank=rank, world=world, start=2)
        assert list(rest) == list(part)[2:]
        assert len(rest) == len(part) - 2


def test_a_training_sees_its_windows_in_another_order_each_epoch(data, tmp_path, monkeypatch) -> None:
    seen: list[list[int]] = []
    original = Trainer._train_micro_batch

    def watched(self, batch, bar):
        if not self.progress.micro_batches:
            seen.append([])
        seen[-1] += batch.index.tolist()
        original(self, batch, bar)

    monkeypatch.setattr(Trainer, "_train_micro_batch", watched)
    trainer, folder = training(data, tmp_path, train_epochs=3)
    trainer.fit(folder)
    assert len(seen) == len({tuple(order) for order in seen}) == 3
    assert all(sorted(order) == list(range(len(trainer.data.train))) for order in seen)
