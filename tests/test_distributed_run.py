"""`torchrun run.py`: two processes train the weights that one process trains on the same windows."""

import importlib.util
import os
import subprocess
import sys

import pytest
import torch

from tests.conftest import REPOSITORY
from tests.kit import SMALL, latest, train, write_folder
from tests.run_in_double import train_in_double
from utils.checkpoints import load_checkpoint

# No dropout: its masks depend on how the windows are shared out.
FLAGS = ["--batch_size", "4", "--dropout", "0", "--optimizer", "adamw", "--num_workers", "0", "--enable_class_weights"]


def torchrun(data, results, *flags, script="run.py"):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", script]
    words = ["--data", "folder", "--root_path", str(data), "--result_path", str(results), *SMALL, *FLAGS, *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([*command, *words], cwd=REPOSITORY, capture_output=True, text=True, env=environment)
    return done, words


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("distributed") / "data", days=9)


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        train_in_double(patch)
        status, folder = train(data, tmp_path_factory.mktemp("alone"), *FLAGS, "--gradient_accumulation_steps", "4")
    assert status == 0
    return folder


def weights(folder):
    state = load_checkpoint(folder / "checkpoints" / "last.pt")["model"]
    return torch.cat([tensor.flatten() for tensor in state.values()])


@pytest.mark.parametrize("flags", [[], ["--zero_optimizer"]], ids=["whole state", "shared state"])
def test_two_processes_are_one_on_the_union(flags, data, alone, tmp_path):
    tracked = ["--tracker", "tensorboard"] if importlib.util.find_spec("tensorboard") else []
    words = ["--gradient_accumulation_steps", "2", *flags, *tracked]
    done, _ = torchrun(data, tmp_path, *words, script="tests/run_in_double.py")
    assert done.returncode == 0, done.stderr[-3000:]
    folders = list(tmp_path.rglob("config.yaml"))
    assert len(folders) == 1, "only rank 0 writes"
    assert len(list(tmp_path.rglob("events.out.tfevents.*"))) == bool(tracked)
    together, one = weights(latest(tmp_path)), weights(alone)
    assert together.dtype == one.dtype == torch.float64
    assert ((together - one).norm() / one.norm()).item() <= 1e-9
    assert done.stdout.count("run folder:") == 1
    assert done.stdout.count("validation loss") == 2


def test_a_mistake_ends_every_process(data, tmp_path):
    done, _ = torchrun(data, tmp_path, "--optimizer", "none")
    assert done.returncode != 0
    assert "unknown optimizer 'none'" in done.stderr
