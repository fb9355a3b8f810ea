"""What a fold holds out as a whole: blocks of the calendar, days, runs, units, or groups that the data names.

Letters: R runs, G groups, K classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_provider.segments import Segments
from data_provider.splits.calendar import DAY, filled_blocks, share_calendar, span_of
from data_provider.splits.split import Plan, cut
from utils.errors import UserError

BLOCKS_A_FOLD = 3  # so that every fold sees more than one season
SHORTER_BLOCKS = (7, 3, 2, 1)  # days


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """The time of every run in intervals, and the group of each interval.

    Attributes:
        edges: a run: (k,) datetime64[s], where its intervals begin; time before the first belongs to the first.
        group: a run: (k,) int64, the group of each interval.
        names: G names of groups.
        words: the groups in words.
        in_turn: the groups follow each other in time, so they are dealt in turn.
    """

    edges: list[np.ndarray]
    group: list[np.ndarray]
    names: tuple[str, ...]
    words: str
    in_turn: bool = False

    def plan(self, part: np.ndarray, line: list[int]) -> Plan:
        """The plan that puts each group into a part; (G,) int64."""
        return Plan(edges=self.edges, parts=[part[mine] for mine in self.group], line=line, words=self.words)

    def holding(self, segments: Segments, classes: np.ndarray) -> np.ndarray:
        """(G, K) bool, the classes that have readings in a group; `classes` (R,) int64 gives each run's."""
        pieces = cut(segments, self.plan(np.arange(len(self.names)), [0] * len(self.edges)))
        found = np.zeros((len(self.names), classes.max() + 1), bool)
        found[pieces.part, classes[pieces.run]] = True
        return found


def calendar_blocks(segments: Segments, *, block_days: int | None, folds: int) -> Grouping:
    """Blocks of one calendar for all runs: of the length asked for, or the longest of which every fold gets several."""
    midnight = segments.start.min().astype("datetime64[D]").astype("datetime64[s]")
    for days in SHORTER_BLOCKS if block_days is None else (block_days,):
        edges = filled_blocks(segments, midnight, days * DAY)
        words = "calendar blocks of " + ("a day" if days == 1 else f"{days} days") + ", the same in every run"
        if len(edges) >= folds * BLOCKS_A_FOLD:
            break
    return _in_time(segments, edges, words)


def days(segments: Segments) -> Grouping:
    """Calendar days, the same in every run."""
    midnight = segments.start.min().astype("datetime64[D]").astype("datetime64[s]")
    return _in_time(segments, filled_blocks(segments, midnight, DAY), "whole days")


def _in_time(segments: Segments, edges: np.ndarray, words: str) -> Grouping:
    runs = len(segments.runs)
    names = tuple(str(edge.astype("datetime64[D]")) for edge in edges)
    numbers = np.arange(len(edges))
    return Grouping(edges=[edges] * runs, group=[numbers] * runs, names=names, words=words, in_turn=True)


def whole_runs(segments: Segments, keys: Sequence[str], words: str) -> Grouping:
    """Runs of the same key are a group; R keys."""
    names, numbers = np.unique(np.array(keys), return_inverse=True)
    start = segments.start.min()[None]
    return Grouping(
        edges=[start] * len(keys), group=[numbers[place][None] for place in range(len(keys))],
        names=tuple(names.tolist()), words=words,
    )  # fmt: skip


def runs_or_pieces(segments: Segments, labels: Sequence[str], folds: int) -> Grouping:
    """Whole runs, those of one bond together; runs of a class that has fewer than there are folds are cut into as many.

    Args:
        segments: the data.
        labels: class of each run.
        folds: how many there will be.
    """
    keys = [run.group or run.name for run in segments.runs]
    groups_of = {label: {key for key, own in zip(keys, labels, strict=True) if own == label} for label in labels}
    names: list[str] = []
    edges, group = [], []
    for place, (key, label) in enumerate(zip(keys, labels, strict=True)):
        begin, end = span_of(segments, place)
        number = folds if len(groups_of[label]) < folds else 1
        length = max(1, int((end - begin).astype(np.int64)) // number + 1)
        edges.append(begin + np.arange(number) * np.timedelta64(length, "s"))
        mine = [key if number == 1 else f"{key}, part {part + 1}" for part in range(number)]
        names += [name for name in mine if name not in names]
        group.append(np.array([names.index(name) for name in mine]))
    cut_up = sum(len(mine) > 1 for mine in group)
    words = "whole runs" + (f", {cut_up} of {len(keys)} cut into {folds}" if cut_up else "")
    return Grouping(edges=edges, group=group, names=tuple(names), words=words)


def blocked_groups(
    segments: Segments, labels: Sequence[str], *, strategy: str, block_days: int | None, folds: int
) -> Grouping:
    """The groups of the default split, as the data set's strategy has them."""
    if strategy == "units":
        return whole_runs(segments, [run.group or run.name for run in segments.runs], "whole units")
    in_calendar = strategy == "auto" and len(set(labels)) > 1 and share_calendar(segments)
    if strategy == "calendar" or in_calendar:
        return calendar_blocks(segments, block_days=block_days, folds=folds)
    return runs_or_pieces(segments, labels, folds)


def named_groups(segments: Segments, name: str, *, bond: str, from_file: Mapping[str, str] | None) -> Grouping:
    """The groups that `--group` names.

    Args:
        segments: the data.
        name: "day", "run", what the data set's groups are called, or the column or file that gave them.
        bond: what the groups of the data set are called, "" where it has none.
        from_file: run -> group, where a file says so.

    Raises:
        UserError: the data has no such groups, or fewer than two.
    """
    if name == "day":
        grouping = days(segments)
    elif from_file is not None:
        grouping = whole_runs(segments, _of_file(segments, from_file, name), "groups of the file")
    elif name == "run":
        grouping = whole_runs(segments, [run.name for run in segments.runs], "whole runs")
    elif name == bond:
        keys = [run.group or run.name for run in segments.runs]
        grouping = whole_runs(segments, keys, f"whole groups of {name.replace('_', ' ')}")
    else:
        known = ", ".join(["day", "run", "severity", *filter(None, [bond])])
        raise UserError(
            f"--group {name}: this data has no such groups; it has {known}; --data csv and folder also take a column "
            "or a .yaml file with the group of each file"
        )
    if len(grouping.names) < 2:
        raise UserError(f"--group {name}: all data is of one group, {grouping.names[0]}; nothing can be left out")
    return grouping


def _of_file(segments: Segments, groups: Mapping[str, str], name: str) -> list[str]:
    absent = [run.name for run in segments.runs if run.name not in groups]
    if absent:
        raise UserError(f"{name}: {absent[0]} has no group; add the line '{absent[0]}: GROUP'")
    return [groups[run.name] for run in segments.runs]
