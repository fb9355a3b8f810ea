"""`run.py` with networks that train in float64.

Two orders of one sum differ by a rounding error. In float32 that is enough to push an activation over the kink of a
ReLU now and then, on one processor in another step than on the next, and two trainings part. In float64 it is not.
"""

import sys

import pytest

import run
from exp.training.trainer import Trainer


def train_in_double(patch: pytest.MonkeyPatch) -> None:
    """Trainers made from here on compute in float64."""
    original = Trainer.__init__

    def made(self: Trainer, **parts: object) -> None:
        original(self, **parts)
        self.model.double()
        self.augment = lambda x, index, *, epoch: x.double()

    patch.setattr(Trainer, "__init__", made)


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        train_in_double(patch)
        sys.exit(run.main(sys.argv[1:]))
