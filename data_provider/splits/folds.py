"""Cross-validation: the groups of a data set dealt to folds, each fold the test part once.

Letters: R runs, G groups, K classes, F folds.
"""

import re
from dataclasses import dataclass

import numpy as np

from data_provider.splits.split import TEST, TRAIN, VAL
from utils.errors import UserError

MOST = 60  # folds that "all" may stand for; more are trainings that nobody meant to start


@dataclass(frozen=True)
class Folds:
    """What `--folds` says.

    Attributes:
        number: the fold to take as the test part, counted from 1; None for each in turn.
        of: F; None for as many as the split has.
    """

    number: int | None
    of: int | None

    @classmethod
    def parse(cls, text: str) -> "Folds":
        """The value of the flag: "all", "5" for five in turn, "2/5" for one of them.

        Raises:
            UserError: it is none of these.
        """
        if text == "all":
            return cls(None, None)
        found = re.fullmatch(r"(?:(\d{1,4})/)?(\d{1,4})", text)
        number = int(found[1]) if found and found[1] else None
        of = int(found[2]) if found else 0
        if of < 2 or (number is not None and not 1 <= number <= of):
            raise UserError(f"--folds {text}: give all, a number of folds as 5, or one fold of them as 2/5")
        return cls(number, of)


def as_many(groups: int, name: str) -> int:
    """F where every group is left out once.

    Raises:
        UserError: those would be too many trainings to be meant.
    """
    if groups > MOST:
        raise UserError(f"--folds all would leave out each of {groups} {name}; name a number of folds, as --folds 10")
    return groups


def deal(holding: np.ndarray, folds: int, *, in_turn: bool, rng: np.random.Generator) -> np.ndarray:
    """Groups to folds, so that every class is spread over the folds as evenly as can be.

    Args:
        holding: (G, K) bool, the classes of each group.
        folds: F.
        in_turn: neighbours in time go to different folds; else the order is random.
        rng: decides the order, or which fold begins.

    Returns:
        (G,) int64 in 0 to F - 1.

    Raises:
        UserError: there are fewer groups than folds.
    """
    groups = len(holding)
    if groups < folds:
        raise UserError(f"--folds {folds}: the split has {groups} groups to deal out; use --folds {groups} at most")
    order = np.arange(groups) if in_turn else rng.permutation(groups)
    rarest = np.where(holding, holding.sum(0), groups + 1).min(1)
    order = order[np.argsort(rarest[order], kind="stable")]
    first = rng.integers(folds) if in_turn else 0
    held, total = np.zeros((folds, holding.shape[1]), np.int64), np.zeros(folds, np.int64)
    dealt = np.zeros(groups, np.int64)
    for group in order:
        load = held[:, holding[group]].sum(1)
        fold = np.lexsort(((np.arange(folds) - first) % folds, total, load))[0]
        dealt[group] = fold
        held[fold] += holding[group]
        total[fold] += 1
    return dealt


def parts_of_fold(
    holding: np.ndarray, test: np.ndarray, *, val_share: float, in_turn: bool, rng: np.random.Generator
) -> np.ndarray:
    """The part of each group of a fold: validation is chosen among the groups that the test does not hold.

    A class with a single group outside the test keeps it for training, so validation lacks that class.

    Args:
        holding: (G, K) bool, the classes of each group.
        test: (G,) bool.
        val_share: share of the rest that validation gets.
        in_turn: validation is spread evenly over time.
        rng: chooses.

    Returns:
        (G,) int64 parts.
    """
    part = np.where(test, TEST, TRAIN)
    free = np.flatnonzero(~test)
    order = _spread(free, val_share, rng) if in_turn else rng.permutation(free)
    number = holding[free].sum(0)  # (K,) groups of a class
    wanted = np.where(number >= 2, np.maximum(1, np.round(number * val_share)), 0)
    for label in np.argsort(number, kind="stable"):
        for group in order[holding[order, label]]:
            chosen = part == VAL
            covered = holding[chosen].sum(0)
            if covered[label] >= wanted[label]:
                break
            left = holding[(part == TRAIN)].sum(0) - holding[group]
            if part[group] == TRAIN and (left[holding[group]] > 0).all():
                part[group] = VAL
    return part


def _spread(free: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """The groups, those first that lie one share apart in time."""
    every = max(2, round(1 / share))
    place = (np.arange(len(free)) - rng.integers(every)) % every
    return free[np.argsort(place, kind="stable")]
