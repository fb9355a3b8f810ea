"""What a checkpoint keeps beside the weights, each seen in what the resumed training does."""

import torch

from exp.training.trainer import Trainer
from tests.training.kit import training


def pieces_of(monkeypatch, fits: int = 10**6) -> list[int]:
    """Sizes of the pieces that are computed from now on, where no more than `fits` windows fit into memory."""
    sizes: list[int] = []
    original = Trainer._compute

    def watched(self, x, target, y):
        if len(x) > fits:
            raise torch.OutOfMemoryError("injected")
        sizes.append(len(x))
        return original(self, x, target, y)

    monkeypatch.setattr(Trainer, "_compute", watched)
    return sizes


def test_a_resume_goes_on_with_the_pieces_that_fitted(data, tmp_path, monkeypatch) -> None:
    """It does not run out of memory once more, in a window whose first micro-batches are gone."""
    with monkeypatch.context() as patch:
        sizes = pieces_of(patch, fits=4)
        trainer, folder = training(data, tmp_path, train_epochs=1)
        trainer.fit(folder)
    assert max(sizes) == 4
    sizes = pieces_of(monkeypatch)
    resumed, _ = training(data, tmp_path, resume=str(folder.path))
    resumed.checkpoints.load(folder)
    resumed.fit(folder)
    assert sum(sizes) == len(resumed.data.train)
    assert max(sizes) == 4
