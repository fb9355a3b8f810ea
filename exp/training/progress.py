"""Where a training is, and how it is shown."""

from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from utils import distributed
from utils.logs import is_silent


@dataclass
class Progress:
    """Where the training is: plain values, saved in every checkpoint.

    Attributes:
        epoch: the epoch under way, from 0.
        micro_batches: those of this process already done in it.
        carried: micro-batches that the accumulation window held when the epoch began.
        loss, weight: sum(w l) and sum(w) of the epoch's finished accumulation windows.
        correct, seen: windows of this process named rightly, and all, in the epoch.
        best, best_epoch: the merit (see `merit`) of the best epoch so far, and which it is, from 1.
        rows: training_metrics.csv so far.
        bad_steps, bad_in_a_row: optimizer steps that were skipped, since the run began and since the last one made.
    """

    epoch: int = 0
    micro_batches: int = 0
    carried: int = 0
    loss: float = 0.0
    weight: float = 0.0
    correct: int = 0
    seen: int = 0
    best: list[float] = field(default_factory=list)
    best_epoch: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    bad_steps: int = 0
    bad_in_a_row: int = 0

    def next_epoch(self, row: dict[str, Any], carried: int, select: str) -> "Progress":
        """The start of the epoch that follows, with the finished one's row; `select` says what the best is best by."""
        reached = merit(row, select)
        better = not self.best or reached > self.best
        return Progress(
            epoch=self.epoch + 1,
            carried=carried,
            best=reached if better else self.best,
            best_epoch=self.epoch + 1 if better else self.best_epoch,
            rows=[*self.rows, row],
            bad_steps=self.bad_steps,
            bad_in_a_row=self.bad_in_a_row,
        )


def merit(row: dict[str, Any], select: str) -> list[float]:
    """What an epoch's validation reached, by `--select`; the larger the better, and a tie goes to the lower loss."""
    loss = -row["val_loss"]
    return [loss] if select == "loss" else [row[f"val_{select}"], loss]


class EpochBar:
    """The bar of an epoch: `Epoch 1/10 [GA:2]: 100%|...| 1492/1492 [..., Loss=0.3456, Acc=85.23%, GA=2/2]`.

    Args:
        progress: where the epoch is taken up.
        left: micro-batches left.
        epochs: epochs at most.
        steps: micro-batches of an accumulation window.
    """

    def __init__(self, progress: Progress, *, left: int, epochs: int, steps: int) -> None:
        self._measures = ""
        self._bar = tqdm(
            desc=f"Epoch {progress.epoch + 1}/{epochs}" + (f" [GA:{steps}]" if steps > 1 else ""),
            total=left + progress.micro_batches,
            initial=progress.micro_batches,
            disable=distributed.rank() > 0 or is_silent(),
            dynamic_ncols=True,
        )

    def __enter__(self) -> "EpochBar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def measured(self, loss: float, accuracy: float) -> None:
        """What the last finished window gave: its true mean loss, and the epoch's accuracy so far."""
        self._measures = f"Loss={loss:.4f}, Acc={accuracy:.2%}"

    def advance(self, place: int, steps: int) -> None:
        """One micro-batch is done, the window's `place` of `steps`."""
        window = f"GA={place}/{steps}" if steps > 1 else ""
        self._bar.set_postfix_str(", ".join(filter(None, (self._measures, window))), refresh=False)
        self._bar.update()
