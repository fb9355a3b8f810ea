"""Trainings that are stopped, their checkpoints, and what must be equal afterwards."""

import hashlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import torch

from exp.training.trainer import Trainer
from tests.conftest import REPOSITORY
from tests.kit import SMALL
from utils.checkpoints import load_checkpoint

NOISY = ["--augment", "jitter:0.05,drop_sensor:0.1", "--dropout", "0.3", "--batch_size", "8"]
WRITTEN = ("training_metrics.csv", "predictions_val.csv", "predictions_test.csv", "model/weights.safetensors")


def stop_after(monkeypatch, number, act=lambda trainer: os.kill(os.getpid(), signal.SIGINT)):
    """Acts, by a Ctrl-C as a rule, while the micro-batch of this number, counted over the run, is under way."""
    count = 0
    original = Trainer._train_micro_batch

    def counted(self, *args):
        nonlocal count
        original(self, *args)
        count += 1
        if count == number:
            act(self)

    monkeypatch.setattr(Trainer, "_train_micro_batch", counted)


class Killed(BaseException):
    """Stands in for kill -9: nothing of the program runs after it."""


def kill(*_):
    raise Killed


def assert_same_files(first, second):
    for file in WRITTEN:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file


def raw(folder, name="last.pt"):
    return load_checkpoint(folder / "checkpoints" / name)


def rewrite(path, state):
    """Puts any content into a checkpoint, with the right checksum."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    seal(path, buffer.getvalue())


def seal(path, content):
    path.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def flip(path, place=0.5):
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)


def start(data: Path, results: Path, *flags: str, script: str = "run.py", **settings) -> subprocess.Popen:
    """A training in a process of its own, alone in its group of processes."""
    words = ["--data", "folder", "--root_path", str(data), "--result_path", str(results), *SMALL, *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    usual = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    return subprocess.Popen([sys.executable, script, *words], cwd=REPOSITORY, env=environment, **{**usual, **settings})
