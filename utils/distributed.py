"""Several processes: who this one is, and the few things they agree on. One process needs none of it."""

import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
import torch.distributed as dist

from utils.errors import UserError

PATIENCE = 600.0  # seconds that a process waits for the first one to say what is wrong


def start(device: torch.device) -> None:
    """Joins the processes that torchrun started; does nothing where it started only this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)  # NCCL sends objects by way of the current GPU
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def stop() -> None:
    """Leaves the group of processes; its threads have ended when this returns.

    They end with the last reference to the group. An optimizer that shares its state holds one, and a thread that still
    runs while Python shuts down, and lets go of a tensor there, aborts the process. So what a training left as garbage,
    or in the frames of the error that ended it, goes first.
    """
    if dist.is_available() and dist.is_initialized():
        error = sys.exception()
        while error:
            traceback.clear_frames(error.__traceback__)
            error = error.__context__
        gc.collect()
        dist.destroy_process_group()


def rank() -> int:
    """This process's number; 0 writes and displays."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """How many processes work together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def from_first(value: Any) -> Any:
    """Rank 0's value, on every process."""
    if world_size() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def gather(value: Any) -> list[Any]:
    """Every process's value, in the order of ranks."""
    if world_size() == 1:
        return [value]
    box: list[Any] = [None] * world_size()
    dist.all_gather_object(box, value)
    return box


@contextmanager
def first_goes_first() -> Iterator[None]:
    """Rank 0 runs the block before the others do: what it downloads or simulates, they find."""
    if world_size() > 1 and rank() > 0:
        dist.barrier()
    yield
    if world_size() > 1 and rank() == 0:
        dist.barrier()


def device_of(name: str) -> torch.device:
    """The device that `--device auto|cpu|cuda` names; each process takes its own GPU.

    Raises:
        UserError: there is no GPU, or there are fewer than processes. Of several processes on a machine the first
            raises it and the others end without a word, with the same status.
    """
    found = torch.cuda.is_available()
    if name == "cpu" or (name == "auto" and not found):
        return torch.device("cpu")
    number = int(os.environ.get("LOCAL_RANK", "0"))
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", str(number + 1)))
    gpus = torch.cuda.device_count() if found else 0
    if processes <= gpus:
        return torch.device("cuda", number)
    if number > 0 and "LOCAL_WORLD_SIZE" in os.environ:
        _end_after_the_first()
    if gpus == 0:
        raise UserError(
            "--device cuda needs a GPU, and PyTorch finds none (see python run.py doctor); give --device cpu"
        )
    raise UserError(
        f"torchrun started {processes} processes, and this machine has {gpus} GPU{'s' if gpus > 1 else ''}; give "
        f"--nproc_per_node {gpus}, or --device cpu"
    )


def _end_after_the_first() -> NoReturn:
    """Ends with status 2 when torchrun says so: it ends all processes as soon as one has ended with a mistake, and that
    is to be the one that says which."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    time.sleep(PATIENCE)
    sys.exit(2)
