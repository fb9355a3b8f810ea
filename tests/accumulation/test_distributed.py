"""Two processes (gloo, CPU) are one process on the union of their samples, whatever their numbers of micro-batches.

Both processes are started once; they run every scenario below and hand back what they found.

Letters: N micro-batches of an optimizer step.
"""

import copy
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributed.optim import ZeroRedundancyOptimizer

from tests.accumulation.kit import WEIGHTS, distance, micro_batches, network, samples
from utils.gradient_accumulation import GradientAccumulator, Step
from utils.losses import IGNORE, LOSSES

SIZES = ([4, 3, 4, 1, 5, 2, 4], [4, 2, 4, 4])  # of rank 0 and of rank 1: windows of N = 2 are 2, 2, 2, 1 and 2, 2
Found = dict[str, Any]


def data_of(rank: int, dtype: torch.dtype = torch.float64, *, ignore: bool = False) -> list[tuple[Tensor, Tensor]]:
    """A process's micro-batches."""
    x, y = samples(sum(SIZES[rank]), dtype=dtype, seed=20 + rank)
    if ignore:
        y = y.where(torch.arange(len(y)) % 3 > 0, IGNORE)
        if rank == 1:
            y[:6] = IGNORE  # a whole window
    return list(micro_batches(x, y, SIZES[rank]))


class Run:
    """A training of one process; `made` are its steps."""

    def __init__(self, optimizer: Callable[..., torch.optim.Optimizer], seed: int, **settings: Any) -> None:
        dtype = settings.pop("dtype", torch.float64)
        self.model = network(seed=seed, dtype=dtype)
        self.made: list[Step] = []
        self.loss = LOSSES["cross_entropy"](class_weights=WEIGHTS)
        self.optimizer = optimizer(self.model.parameters())
        defaults = {"steps": 2, "clip_norm": 0.3, "on_step": self.made.append}
        self.accumulator = GradientAccumulator(self.model, self.optimizer, **(defaults | settings))

    def epoch(self, batches: list[tuple[Tensor, Tensor]]) -> None:
        with self.accumulator.epoch():
            for x, y in batches:
                values, weights = self.loss(self.model(x), y)
                self.accumulator.backward(values, weights)

    def found(self) -> Found:
        return {
            "weights": [p.detach().clone() for p in self.model.parameters()],
            "steps": [(step.loss, step.weight, float(step.gradient_norm or 0)) for step in self.made],
            "micro_steps": [step.micro_steps for step in self.made],
            "counts": (self.accumulator.optimizer_steps, self.accumulator.skipped_steps, self.accumulator.count),
        }


SGD = functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9)


def uneven(rank: int, dtype: torch.dtype = torch.float64, *, ignore: bool = False, **settings: Any) -> Found:
    run = Run(SGD, seed=rank, dtype=dtype, **settings)  # different initial weights: rank 0's are taken
    calls = []
    real = dist.all_reduce
    dist.all_reduce = lambda *a, **k: calls.append(None) or real(*a, **k)
    try:
        for _ in range(3):
            run.epoch(data_of(rank, dtype, ignore=ignore))
    finally:
        dist.all_reduce = real
    return run.found() | {"all_reduces": len(calls)}


def nothing_counts(rank: int) -> Found:
    run = Run(SGD, seed=0)
    run.epoch([(x, torch.full_like(y, IGNORE)) for x, y in data_of(rank)])
    return run.found()


def infinite(rank: int) -> Found:
    """The first window of rank 1 is infinite: both skip it."""
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    run = Run(SGD, seed=0, dtype=torch.float32, scaler=scaler)
    batches = data_of(rank, torch.float32)
    if rank == 1:
        batches[1] = (batches[1][0] * float("inf"), batches[1][1])
    run.epoch(batches)
    return run.found() | {"scale": scaler.get_scale()}


def carried(rank: int, *, uneven: bool, scaled: bool = False) -> Found:
    """The loss scale of `scaled` doubles with every step."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0, growth_interval=1) if scaled else None
    run = Run(SGD, seed=0, steps=3, carry=True, scaler=scaler)
    pending = []
    for _ in range(3):
        run.epoch(data_of(rank) if uneven else data_of(rank)[:4])
        pending.append(run.accumulator.count)
    return run.found() | {"pending": pending, "state": run.accumulator.state_dict()}


def sharded(rank: int, *, zero: bool) -> Found:
    adam = torch.optim.RAdam
    make = functools.partial(ZeroRedundancyOptimizer, optimizer_class=adam) if zero else adam
    run = Run(functools.partial(make, lr=0.01), seed=0)
    for _ in range(3):
        run.epoch(data_of(rank))
    return run.found()


def used_on_one_process_only(rank: int) -> Found:
    """A layer that only rank 0's samples pass, one that none passes, and a frozen one."""
    model = nn.ModuleDict({name: nn.Linear(5, 3, dtype=torch.float64) for name in ("both", "first", "none", "frozen")})
    model["frozen"].requires_grad_(False)
    accumulator = GradientAccumulator(model, torch.optim.SGD(model.parameters(), lr=0.1), steps=2)
    before = copy.deepcopy(model.state_dict())
    x, y = samples(8)
    for px, py in micro_batches(x, y, [4, 4]):
        logits = model["both"](px) + model["frozen"](px) + (model["first"](px) if rank == 0 else 0)
        accumulator.backward(F.cross_entropy(logits, py, reduction="none"))
    after = model.state_dict()
    return {"weights": list(after.values()), "changed": [n for n in after if not torch.equal(before[n], after[n])]}


SCENARIOS: dict[str, Callable[[int], Found]] = {
    "uneven": uneven,
    "uneven float32": functools.partial(uneven, dtype=torch.float32),
    "uneven buffer": functools.partial(uneven, dtype=torch.float32, buffer_dtype=torch.float64),
    "ignored": functools.partial(uneven, ignore=True),
    "nothing counts": nothing_counts,
    "infinite": infinite,
    "carried": functools.partial(carried, uneven=False),
    "carried unevenly": functools.partial(carried, uneven=True),
    "carried unevenly, scaled": functools.partial(carried, uneven=True, scaled=True),
    "whole optimizer": functools.partial(sharded, zero=False),
    "sharded optimizer": functools.partial(sharded, zero=True),
    "parameters": used_on_one_process_only,
}


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.save({name: scenario(rank) for name, scenario in SCENARIOS.items()}, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Found, Found]]:
    folder: Path = tmp_path_factory.mktemp("processes")
    torch.multiprocessing.spawn(work, (str(folder),), nprocs=2)
    first, second = (torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2))
    return {name: (first[name], second[name]) for name in SCENARIOS}


def union(dtype: torch.dtype = torch.float64, *, ignore: bool = False) -> Found:
    """One process: a window is one micro-batch with the samples of both processes' windows."""
    run = Run(SGD, seed=0, dtype=dtype, steps=1)
    both = [data_of(rank, dtype, ignore=ignore) for rank in range(2)]
    windows = [both[0][i : i + 2] + both[1][i : i + 2] for i in range(0, 7, 2)]
    for _ in range(3):
        run.epoch([(torch.cat([x for x, _ in w]), torch.cat([y for _, y in w])) for w in windows])
    return run.found()


@pytest.mark.parametrize("name", SCENARIOS)
def test_processes_agree_to_the_last_bit(found, name) -> None:
    first, second = found[name]
    for a, b in zip(first["weights"], second["weights"], strict=True):
        assert torch.equal(a, b)
    assert first.get("steps") == second.get("steps")


@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"),
    [
        ("uneven", torch.float64, 1e-12),
        ("ignored", torch.float64, 1e-12),
        ("uneven float32", torch.float32, 1e-6),
        ("uneven buffer", torch.float32, 1e-6),
    ],
)
def test_uneven_processes_are_one_process_on_the_union(found, name, dtype, tolerance) -> None:
    expected = union(dtype, ignore=name == "ignored")
    for process in found[name]:
        assert distance(process["weights"], expected["weights"]) <= tolerance
        assert process["counts"] == (12, 0, 0)
        for step, other in zip(process["steps"], expected["steps"], strict=True):
            assert step == pytest.approx(other, rel=10 * tolerance)


def test_one_reduction_a_window(found) -> None:
    assert [process["all_reduces"] for process in found["uneven"]] == [12, 12]
    assert [process["micro_steps"] for process in found["uneven"]] == [[2, 2, 2, 1] * 3, [2, 2, 0, 0] * 3]


def test_a_window_without_weight_anywhere_is_stepped_by_nobody(found) -> None:
    for process in found["nothing counts"]:
        assert process["counts"] == (0, 0, 0)
        assert distance(process["weights"], network(seed=0).parameters()) == 0


def test_an_infinite_gradient_anywhere_is_skipped_everywhere(found) -> None:
    for process in found["infinite"]:
        assert process["counts"] == (3, 1, 0)
        assert process["scale"] == 32.0


def test_carried_windows_go_on_over_the_boundary(found) -> None:
    run = Run(SGD, seed=0, steps=3, carry=True)
    pairs = list(zip(*(data_of(rank)[:4] for rank in range(2)), strict=True))
    for _ in range(3):
        run.epoch([(torch.cat([a[0], b[0]]), torch.cat([a[1], b[1]])) for a, b in pairs])
    for process in found["carried"]:
        assert process["pending"] == [1, 2, 0]
        assert distance(process["weights"], run.found()["weights"]) <= 1e-12
    assert [process["pending"] for process in found["carried unevenly"]] == [[1, 2, 0], [1, 2, 0]]


def test_a_carried_window_keeps_up_with_the_loss_scale(found) -> None:
    for scaled, plain in zip(found["carried unevenly, scaled"], found["carried unevenly"], strict=True):
        assert distance(scaled["weights"], plain["weights"]) <= 1e-12


def test_sharded_optimizer_state_gives_the_same_numbers(found) -> None:
    for whole, part in zip(found["whole optimizer"], found["sharded optimizer"], strict=True):
        assert distance(part["weights"], whole["weights"]) <= 1e-15
        assert part["steps"] == whole["steps"]


def test_parameters_that_not_all_processes_use(found) -> None:
    for process in found["parameters"]:
        assert process["changed"] == ["both.weight", "both.bias", "first.weight", "first.bias"]


def test_an_open_window_of_two_processes_is_not_resumed_by_one(found) -> None:
    state = found["carried unevenly"][0]["state"] | {"count": 2, "window_steps": 3}
    model = network()
    alone = GradientAccumulator(model, SGD(model.parameters()), steps=3)
    with pytest.raises(ValueError, match="of world_size=2, now world_size=1"):
        alone.load_state_dict(state)


def test_a_wrapped_model_is_refused() -> None:
    wrapped = nn.parallel.DistributedDataParallel.__new__(nn.parallel.DistributedDataParallel)
    with pytest.raises(ValueError, match=r"pass the plain module \(ddp.module\)"):
        GradientAccumulator(wrapped, SGD(network().parameters()))
