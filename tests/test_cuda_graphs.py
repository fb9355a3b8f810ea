"""Replayed accumulation is accumulation: the same numbers, whatever fits the recording and whatever does not.

On a machine with a GPU the recordings are CUDA graphs; elsewhere functions that run again on the recordings' memory.
"""

import copy
import logging

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.accumulation.kit import CLASSES, FEATURES, WEIGHTS, micro_batches, network, samples
from tests.graph_kit import DEVICES, RunAgain, accumulator_on
from utils.errors import UserError
from utils.gradient_accumulation import GradientAccumulator, Step
from utils.memory_guard import MemoryGuard

SIZES = [4, 4, 2, 4, 4, 4, 4, 2, 4]  # recorded ones of 4, and others at every place of a window


class Machine:
    """A training whose accumulator replays, or does not."""

    def __init__(
        self, device: str = "cpu", *, replays: bool = True, dropout: float = 0.3, memory: int = 100, **settings
    ) -> None:
        torch.manual_seed(1)
        dtype = settings.pop("dtype", torch.float64)
        layers = (nn.Linear(FEATURES, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, CLASSES))
        self.model = nn.Sequential(*layers).to(device, dtype)
        self.device, self.dtype, self.memory = device, dtype, memory
        self.hits = torch.zeros((), dtype=torch.int64, device=device)
        self.weights = WEIGHTS.to(device)
        self.made: list[Step] = []
        optimizer = torch.optim.RAdam(self.model.parameters(), lr=0.01, foreach=True, capturable=device == "cuda")
        settings = {"steps": 3, "clip_norm": 0.5, "on_step": self.made.append, **settings}
        if replays:
            self.accumulator = accumulator_on(device, self.model, optimizer, size=4, tensors=(self.hits,), **settings)
        else:
            self.accumulator = GradientAccumulator(self.model, optimizer, **settings)
        self.guard = MemoryGuard(self.model, self.accumulator, self.compute, tensors=(self.hits,))

    def compute(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        if len(x) > self.memory:
            raise torch.OutOfMemoryError("injected")
        logits = self.model(x)
        self.hits += (logits.detach().argmax(1) == y).sum()
        return F.cross_entropy(logits, y, reduction="none"), self.weights[y]

    def batches(self, sizes: list[int]) -> list[tuple[Tensor, ...]]:
        x, y = samples(sum(sizes), dtype=self.dtype)
        return [tuple(t.to(self.device) for t in batch) for batch in micro_batches(x, y, sizes)]

    def train(self, sizes: list[int] = SIZES, *, epochs: int = 3, begin: int = 0) -> "Machine":
        torch.manual_seed(5)
        for _ in range(epochs):
            with self.accumulator.epoch():
                for batch in self.batches(sizes)[begin:]:
                    self.guard.backward(*batch)
        return self


def assert_same(replayed: Machine, plain: Machine) -> None:
    """Bit for bit where the recorded functions run again, to the precision of the weights where CUDA replays them."""
    exact, rough = {"rtol": 0.0, "atol": 0.0}, replayed.dtype == torch.bfloat16
    near = exact if replayed.device == "cpu" else {"rtol": 2e-2 if rough else 1e-6, "atol": 1e-2 if rough else 1e-7}
    assert [step[1:3] for step in replayed.made] == [step[1:3] for step in plain.made]
    for a, b in zip(replayed.made, plain.made, strict=True):
        torch.testing.assert_close(torch.tensor(a.loss), torch.tensor(b.loss), **near)
        assert (a.gradient_norm is None) == (b.gradient_norm is None)
        if a.gradient_norm is not None:
            torch.testing.assert_close(a.gradient_norm, b.gradient_norm, **near)
    for a, b in zip(replayed.model.state_dict().values(), plain.model.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, **near)
    if not rough or near == exact:
        assert torch.equal(replayed.hits, plain.hits)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("steps", [1, 2, 3, 20])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"clip_norm": 0.0, "dropout": 0.0},
        {"carry": True},
        {"dtype": torch.bfloat16, "buffer_dtype": torch.float32},
        {"dtype": torch.float32},
    ],
    ids=["default", "no clipping", "carried", "buffer", "float32"],
)
def test_any_partition_gives_the_numbers_of_the_plain_engine(device, steps, settings) -> None:
    replayed, plain = (Machine(device, replays=replays, steps=steps, **settings).train() for replays in (True, False))
    assert replayed.accumulator._passes is not None
    assert (replayed.accumulator._update_graph is None) == (replayed.accumulator.optimizer_steps < 2)
    assert_same(replayed, plain)


@pytest.mark.parametrize("device", DEVICES)
def test_a_loss_scaler_keeps_its_steps_to_itself(device, caplog) -> None:
    def machine(replays: bool) -> Machine:
        scaler = torch.amp.GradScaler(device, init_scale=8.0, growth_interval=2)
        return Machine(device, replays=replays, scaler=scaler).train()

    with caplog.at_level(logging.INFO):
        replayed = machine(True)
    assert_same(replayed, machine(False))
    assert replayed.accumulator._update_graph is None
    assert "the loss scale decides on it" in caplog.text


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("stop", [1, 2, 3, 4, 7])
def test_a_resume_in_mid_window_goes_on_bit_for_bit(device, stop) -> None:
    whole = Machine(device, dropout=0.0).train(epochs=1)
    first = Machine(device, dropout=0.0)
    for batch in first.batches(SIZES)[:stop]:
        first.guard.backward(*batch)
    states = [copy.deepcopy(part.state_dict()) for part in (first.model, first.accumulator.optimizer)]
    window = first.accumulator.state_dict()
    second = Machine(device, dropout=0.0)
    second.made[:] = first.made
    second.hits.copy_(first.hits)
    for part, state in zip((second.model, second.accumulator.optimizer), states, strict=True):
        part.load_state_dict(state)
    second.accumulator.load_state_dict(window)
    second.train(epochs=1, begin=stop)
    assert_same(second, whole)


@pytest.mark.parametrize("device", DEVICES)
def test_what_a_recording_holds_fixed_is_recorded_again_when_it_changes(device, monkeypatch) -> None:
    monkeypatch.setattr(RunAgain, "made", [])

    def machine(replays: bool) -> Machine:
        machine = Machine(device, replays=replays, carry=True)
        machine.train(epochs=2)
        machine.model[3].p = 0.1
        machine.train(epochs=2)
        machine.accumulator.steps = 2
        return machine.train(epochs=2)

    replayed = machine(True)
    made = len(RunAgain.made)
    assert_same(replayed, machine(False))
    if device == "cpu":
        assert made == 4  # passes: at first, for the new rate of dropout, for the new N; and one update


@pytest.mark.parametrize("device", DEVICES)
def test_out_of_memory_while_recording_halves_the_micro_batches(device) -> None:
    fallen, plain = (Machine(device, replays=replays, memory=2, dropout=0.0).train() for replays in (True, False))
    assert fallen.guard.limit == 2
    assert fallen.accumulator._passes is None
    assert_same(fallen, plain)


@pytest.mark.parametrize("device", DEVICES)
def test_out_of_memory_behind_a_recording_redoes_the_window(device) -> None:
    """Smaller pieces run kernel by kernel; the step is replayed all the same."""

    def machine(replays: bool) -> Machine:
        machine = Machine(device, replays=replays, dropout=0.0).train(epochs=1)
        machine.guard.limit = 2
        return machine.train(epochs=1)

    assert_same(machine(True), machine(False))


class Waits(RunAgain):
    """A recorder of what cannot be recorded."""

    def rehearse(self, function) -> None:
        function()
        raise RuntimeError("called a synchronizing CUDA operation\nand more")


def test_what_cannot_be_recorded_runs_as_ever_and_is_said_once(caplog) -> None:
    replayed = Machine()
    replayed.accumulator._recorder = lambda: Waits(replayed.accumulator)
    with caplog.at_level(logging.WARNING):
        replayed.train()
    assert_same(replayed, Machine(replays=False).train())
    line = "not replayed as a CUDA graph: called a synchronizing CUDA operation"
    assert [record.getMessage() for record in caplog.records] == [line, line]  # of the passes, and of the step


def test_what_must_be_recorded_and_cannot_is_an_error() -> None:
    machine = Machine(required=True)
    machine.accumulator._recorder = lambda: Waits(machine.accumulator)
    with pytest.raises(UserError, match=r"--cuda_graphs on: .* a synchronizing CUDA operation\); use auto"):
        machine.train()


def test_gradients_of_another_kind_are_not_replayed() -> None:
    """A parameter that sometimes has no gradient keeps its weights then, as with the plain engine."""

    class Sometimes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.usual, self.rare = network(), nn.Parameter(torch.ones(3, dtype=torch.float64))

        def forward(self, x: Tensor) -> Tensor:
            return self.usual(x) * self.rare if len(x) == 3 else self.usual(x)

    def train(replays: bool) -> nn.Module:
        model = Sometimes()
        optimizer = torch.optim.RAdam(model.parameters(), lr=0.01)
        accumulator = (
            accumulator_on("cpu", model, optimizer, size=4) if replays else GradientAccumulator(model, optimizer)
        )
        sizes = [4, 4, 3, 4, 3, 4]
        for px, py in micro_batches(*samples(sum(sizes)), sizes):
            accumulator.run(lambda x, y: (F.cross_entropy(model(x), y, reduction="none"), None), px, py)
            accumulator.end_micro_batch()
        return model

    for a, b in zip(train(True).parameters(), train(False).parameters(), strict=True):
        assert torch.equal(a, b)
