"""Which device a process takes, what it says where there is none, and that a group of processes ends whole."""

import signal
import subprocess
import sys
import weakref
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from torch.distributed.optim import ZeroRedundancyOptimizer

from tests.conftest import REPOSITORY
from utils import distributed
from utils.errors import UserError


@pytest.fixture
def machine(monkeypatch):
    """Makes a machine with so many GPUs, where this is one process of so many."""

    def make(gpus: int, local_rank: int | None = None, processes: int | None = None) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        for name, value in (("LOCAL_RANK", local_rank), ("LOCAL_WORLD_SIZE", processes)):
            monkeypatch.delenv(name, raising=False)
            if value is not None:
                monkeypatch.setenv(name, str(value))

    return make


@pytest.mark.parametrize(
    ("name", "gpus", "local_rank", "processes", "expected"),
    [
        ("auto", 0, None, None, "cpu"),
        ("auto", 0, 3, 4, "cpu"),
        ("auto", 1, None, None, "cuda:0"),
        ("cuda", 2, None, None, "cuda:0"),
        ("cuda", 4, 3, 4, "cuda:3"),
        ("cuda", 4, 1, 2, "cuda:1"),
        ("cpu", 0, None, None, "cpu"),
        ("cpu", 1, 3, 4, "cpu"),
        ("auto", 2, 1, None, "cuda:1"),
    ],
)
def test_each_process_takes_its_own_gpu(machine, name, gpus, local_rank, processes, expected):
    machine(gpus, local_rank, processes)
    assert distributed.device_of(name) == torch.device(expected)


@pytest.mark.parametrize(
    ("name", "gpus", "local_rank", "processes", "words"),
    [
        ("auto", 1, 0, 4, "torchrun started 4 processes, and this machine has 1 GPU; give --nproc_per_node 1, or "),
        ("cuda", 2, 0, 3, "torchrun started 3 processes, and this machine has 2 GPUs; give --nproc_per_node 2, or "),
        ("auto", 1, 2, None, "torchrun started 3 processes, and this machine has 1 GPU; give --nproc_per_node 1, or "),
        ("cuda", 0, None, None, "--device cuda needs a GPU, and PyTorch finds none"),
        ("cuda", 0, 0, 2, "--device cuda needs a GPU, and PyTorch finds none"),
    ],
)
def test_too_few_gpus_are_one_line(machine, name, gpus, local_rank, processes, words):
    machine(gpus, local_rank, processes)
    with pytest.raises(UserError) as error:
        distributed.device_of(name)
    assert str(error.value).startswith(words)
    assert str(error.value).endswith("--device cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("by", ["torchrun", "itself"])
def test_the_other_processes_end_without_a_word(machine, monkeypatch, by):
    handlers = {}
    slept = SimpleNamespace(sleep=lambda _: handlers[signal.SIGTERM](15, None) if by == "torchrun" else None)
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(distributed, "time", slept)
    machine(1, 1, 2)
    with pytest.raises(SystemExit) as end:
        distributed.device_of("auto")
    assert end.value.code == 2


# run.py on a machine with one GPU, as far as it looks.
ONE_GPU = """
import sys
import torch
torch.cuda.is_available, torch.cuda.device_count = lambda: True, lambda: 1
sys.path.insert(0, {repository!r})
import run
sys.exit(run.main(sys.argv[1:]))
"""


def test_torchrun_with_more_processes_than_gpus_says_so_once(tmp_path):
    script = tmp_path / "one_gpu.py"
    script.write_text(ONE_GPU.format(repository=str(REPOSITORY)))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
    done = subprocess.run([*command, "--result_path", str(tmp_path)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr.count("run.py: torchrun started 2 processes, and this machine has 1 GPU;") == 1
    assert done.stderr.count("exitcode  : 2 ") == 2, done.stderr


def group(folder) -> weakref.ref:
    """A group of this process alone."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=0, world_size=1)
    return weakref.ref(dist.group.WORLD)


def train(*, fails: bool) -> None:
    """Leaves an optimizer behind that holds the group and, as a trainer does, itself."""
    optimizer = ZeroRedundancyOptimizer([torch.ones(2, requires_grad=True)], optimizer_class=torch.optim.SGD, lr=0.1)
    optimizer.owner = [optimizer]
    if fails:
        try:
            raise ValueError(optimizer.param_groups)
        except ValueError:
            raise UserError("the loss is nan") from None


@pytest.mark.parametrize("fails", [False, True])
def test_no_thread_of_the_group_outlives_stop(tmp_path, fails):
    """One that lets go of a tensor while Python ends would abort the process (SIGABRT, exit code -6)."""
    alive = group(tmp_path)
    try:
        train(fails=fails)
    except UserError:
        assert fails
        distributed.stop()
        assert alive() is None
    finally:
        distributed.stop()
    assert alive() is None
    assert not dist.is_initialized()
