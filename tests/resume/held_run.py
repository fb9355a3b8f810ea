"""`run.py` that says when it is within the micro-batch of a number, and stays there until it may go on.

    HELD=FOLDER:NUMBER python tests/resume/held_run.py FLAGS

It makes FOLDER/reached, waits for FOLDER/go, and makes FOLDER/received-1, -2, ... for each request to stop. With
HELD_WORKERS=1 the processes that load wait in their third micro-batch, and the training waits for them.
"""

import os
import sys
import time
from pathlib import Path

import run
from data_provider.windows import WindowSet
from exp.training.trainer import Trainer
from utils.interrupt import StopRequest

place, number = os.environ["HELD"].rsplit(":", 1)
folder, done, received = Path(place), [], []
trained, receive, load = Trainer._train_micro_batch, StopRequest._receive, WindowSet.__getitems__


def wait():
    """Says that the place is reached, and waits there."""
    (folder / "reached").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)


def held(self, *args):
    """Trains a micro-batch, and waits in the one that was chosen."""
    trained(self, *args)
    done.append(1)
    if len(done) == int(number):
        wait()


def loaded(self, indices):
    """Loads a micro-batch, and waits in the third."""
    done.append(1)
    if len(done) == 3:
        wait()
    return load(self, indices)


def heard(self, *args):
    """Takes a request to stop, and tells."""
    try:
        receive(self, *args)
    finally:
        received.append(1)
        (folder / f"received-{len(received)}").touch()


if "HELD_WORKERS" in os.environ and __name__ == "__mp_main__":
    WindowSet.__getitems__ = loaded
if __name__ == "__main__":
    Trainer._train_micro_batch, StopRequest._receive = held, heard
    sys.exit(run.main(sys.argv[1:]))
