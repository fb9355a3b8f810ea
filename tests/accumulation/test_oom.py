"""Out of memory in the middle of a window, injected: smaller pieces, the same step."""

import copy
import logging

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.accumulation.kit import WEIGHTS, distance, micro_batches, network, samples
from utils.errors import UserError
from utils.gradient_accumulation import GradientAccumulator, Step
from utils.memory_guard import MemoryGuard

SIZES = [4, 4, 2] * 3 + [2]  # three windows and a tail


class Machine:
    """A training on a machine whose memory holds `memory` samples, from its `falls`-th forward pass on."""

    def __init__(self, *, memory: int = 100, falls: int = 0, dropout: float = 0.0, norm: bool = False) -> None:
        self.model = network(dropout=dropout)
        if norm:
            self.model.insert(1, nn.BatchNorm1d(16, dtype=torch.float64))
        self.memory, self.falls, self.passes = memory, falls, 0
        self.hits = torch.zeros((), dtype=torch.int64)
        self.made: list[Step] = []
        self.scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
        optimizer = torch.optim.RAdam(self.model.parameters(), lr=0.01)
        self.accumulator = GradientAccumulator(
            self.model, optimizer, steps=3, clip_norm=0.5, scaler=self.scaler, on_step=self.made.append
        )
        self.guard = MemoryGuard(self.model, self.accumulator, self.compute, tensors=(self.hits,))

    def compute(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        self.passes += 1
        logits = self.model(x)
        self.hits += (logits.argmax(1) == y).sum()
        if len(x) > self.memory and self.passes > self.falls:
            raise torch.OutOfMemoryError("injected")
        return F.cross_entropy(logits, y, reduction="none"), WEIGHTS[y]

    def train(self, first: int = 0, last: int = len(SIZES)) -> None:
        x, y = samples(sum(SIZES))
        for batch in list(micro_batches(x, y, SIZES))[first:last]:
            self.guard.backward(*batch)
        if last == len(SIZES):
            self.accumulator.finish()


@pytest.mark.parametrize("falls", [0, 1, 2, 4, 7])
@pytest.mark.parametrize("memory", [1, 2, 3])
def test_the_step_is_the_same_sum(memory, falls) -> None:
    whole, fallen = Machine(), Machine(memory=memory, falls=falls)
    for machine in (whole, fallen):
        machine.train()
    assert fallen.guard.limit == (1 if memory == 1 else 2)
    assert distance(fallen.model.parameters(), whole.model.parameters()) < 1e-12
    assert [step.micro_steps for step in fallen.made] == [step.micro_steps for step in whole.made] == [3, 3, 3, 1]
    assert [step.loss for step in fallen.made] == pytest.approx([step.loss for step in whole.made], rel=1e-12)
    assert fallen.hits == whole.hits
    assert fallen.scaler.state_dict() == whole.scaler.state_dict()


@pytest.mark.parametrize("falls", [3, 4])
def test_the_redone_run_is_bit_for_bit_the_run_with_smaller_pieces(falls) -> None:
    """Dropout's random stream, BatchNorm's running statistics, RAdam: all taken up at the window's start."""
    fallen, smaller = Machine(memory=2, falls=falls, dropout=0.4, norm=True), Machine(dropout=0.4, norm=True)
    torch.manual_seed(9)
    fallen.train()
    torch.manual_seed(9)
    smaller.train(0, 3)
    smaller.guard.limit = 2
    smaller.train(3)
    assert fallen.guard.limit == 2
    assert fallen.made == smaller.made
    for a, b in zip(fallen.model.state_dict().values(), smaller.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert fallen.hits == smaller.hits


def test_without_a_fault_the_guard_changes_nothing() -> None:
    embargoed, plain = Machine(dropout=0.4), Machine(dropout=0.4)
    torch.manual_seed(9)
    embargoed.train()
    torch.manual_seed(9)
    x, y = samples(sum(SIZES))
    for batch in micro_batches(x, y, SIZES):
        plain.accumulator.backward(*plain.compute(*batch))
    plain.accumulator.finish()
    for a, b in zip(embargoed.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_after_a_resume_in_mid_window_the_gradients_from_before_are_kept() -> None:
    whole = Machine()
    whole.train()
    first = Machine()
    first.train(0, 4)
    second = Machine(memory=2)
    for name in ("model", "accumulator", "scaler"):
        getattr(second, name).load_state_dict(copy.deepcopy(getattr(first, name).state_dict()))
    second.accumulator.optimizer.load_state_dict(first.accumulator.optimizer.state_dict())
    second.train(4)
    assert second.guard.limit == 2
    assert distance(second.model.parameters(), whole.model.parameters()) < 1e-12


def test_an_open_window_keeps_its_n_through_the_redo() -> None:
    machine = Machine(memory=2, falls=1)
    machine.train(0, 1)
    machine.accumulator.steps = 2
    machine.train(1, 5)
    assert [step.micro_steps for step in machine.made] == [3, 2]


def test_a_window_that_was_resumed_keeps_its_n_through_the_redo() -> None:
    first = Machine()
    first.train(0, 1)
    second = Machine(memory=1, falls=1)
    for name in ("model", "accumulator", "scaler"):
        getattr(second, name).load_state_dict(copy.deepcopy(getattr(first, name).state_dict()))
    second.train(1, 2)
    second.accumulator.steps = 2
    second.train(2, 5)
    assert [step.micro_steps for step in second.made] == [3, 2]


def test_pieces_are_half_of_the_largest_micro_batch_of_the_window() -> None:
    machine = Machine(memory=3)
    for batch in micro_batches(*samples(10), [2, 4, 4]):
        machine.guard.backward(*batch)
    assert machine.guard.limit == 2
    assert len(machine.made) == 1


def test_buffers_are_put_back_to_the_start_of_the_window() -> None:
    machine = Machine(norm=True)
    machine.guard.undo_buffers()  # before the first window there is nothing to put back
    machine.train(0, 3)
    mean = machine.model[1].running_mean.clone()
    machine.train(3, 5)
    assert not torch.equal(machine.model[1].running_mean, mean)
    machine.guard.undo_buffers()
    assert torch.equal(machine.model[1].running_mean, mean)


def test_says_so_once(caplog) -> None:
    machine = Machine(memory=2)
    with caplog.at_level(logging.WARNING):
        machine.train()
    assert [record.getMessage() for record in caplog.records] == [
        "out of memory: micro-batches are computed in pieces of at most 2 from now on, and the open accumulation "
        "window is redone; the effective batch size stays"
    ]


def test_a_single_sample_that_does_not_fit_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="out of memory with a single window"):
        Machine(memory=0).train()


def test_other_errors_are_not_taken_for_it() -> None:
    machine = Machine()
    machine.guard.compute = lambda x, y: 1 / 0
    with pytest.raises(ZeroDivisionError):
        machine.train()
