"""Which epoch is the best, and what the next one begins with."""

import pytest

from exp.training.progress import Progress, merit

FIRST = {"val_loss": 0.5, "val_accuracy": 0.8, "val_macro_f1": 0.7}


@pytest.mark.parametrize("select", ["macro_f1", "accuracy", "loss"])
@pytest.mark.parametrize(
    ("changes", "better"),
    [
        ({}, ()),  # a tie: the earlier epoch stays
        ({"val_loss": 0.4}, ("macro_f1", "accuracy", "loss")),
        ({"val_loss": 0.6}, ()),
        ({"val_macro_f1": 0.71, "val_loss": 0.9}, ("macro_f1",)),
        ({"val_accuracy": 0.81, "val_loss": 0.9}, ("accuracy",)),
        ({"val_accuracy": 0.79, "val_macro_f1": 0.69, "val_loss": 0.1}, ("loss",)),
    ],
)
def test_the_best_epoch(select, changes, better) -> None:
    before = Progress(bad_steps=3, bad_in_a_row=2, loss=1.0, weight=2.0, correct=5, seen=9, micro_batches=4)
    first = before.next_epoch(FIRST, 1, select)
    assert first.best_epoch == 1
    second = first.next_epoch(FIRST | changes, 0, select)
    assert second.best_epoch == (2 if select in better else 1)
    assert second.best == merit(FIRST | changes if select in better else FIRST, select)
    third = second.next_epoch(FIRST | changes, 2, select)  # the same again is no better than the best so far
    assert third == Progress(
        epoch=3, carried=2, best=second.best, best_epoch=second.best_epoch,
        rows=[FIRST, FIRST | changes, FIRST | changes], bad_steps=3, bad_in_a_row=2,
    )  # fmt: skip
