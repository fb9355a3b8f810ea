"""One trend file, from its cells to checked readings in order, and on to the even grid.

Letters: T readings of a file, N steps of the grid, C signals of the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from data_provider.times import words_of
from data_provider.trends.cells import Cells
from data_provider.trends.checks import (
    Readings,
    constant_problem,
    drop_codes,
    drop_impossible,
    stuck_problems,
    take_percent,
    unit_problems,
)
from data_provider.trends.columns import Origin, Signal, match
from data_provider.trends.grid import (
    at_steps,
    changes_only,
    grid_of,
    hold_seconds,
    mean_steps,
    snapped,
)
from data_provider.trends.opened import OpenTrend
from data_provider.trends.order import Clock, merged
from data_provider.trends.problems import Unusable, listed, shown
from data_provider.trends.request import Request
from data_provider.trends.units import Source
from data_provider.trends.zeros import drop_zeros

_LATE = 1.1  # steps of a file may be a little longer than the model's: loggers drift


@dataclass(frozen=True)
class FileReadings:
    """What a file holds of the model's signals.

    Attributes:
        clock: when.
        readings: number of the signal -> its T readings; signals that the file lacks are not there.
        origins: number of the signal -> where it was found.
    """

    clock: Clock
    readings: dict[int, Readings]
    origins: dict[int, Origin]

    def sources(self) -> dict[int, Source]:
        """Number of the signal -> the file's name of it, and its unit there."""
        return {number: Source(origin.name, self.readings[number].unit) for number, origin in self.origins.items()}


@dataclass(frozen=True)
class EvenReadings:
    """The same on the even grid.

    Attributes:
        times: (N,) datetime64[s].
        clock: (N,) datetime64[s], what the file's clock showed.
        values: (N, C) float32 in the model's units.
        period: seconds between steps.
    """

    times: np.ndarray
    clock: np.ndarray
    values: np.ndarray
    period: int


def readings_of(source: OpenTrend, request: Request) -> FileReadings:
    """The checked readings of a file; what is wrong is added to its problems.

    Raises:
        Unusable: it cannot be evaluated.
    """
    origins, missing = match(source.file, source.names, request.signals, request.roles, source.time)
    source.problems += missing
    if not any(origins):
        names = listed([name for place, name in enumerate(source.names) if place not in source.time], 6)
        what = f"it has none of the model's {len(origins)} columns ({listed(request.columns)}), but {names}"
        raise Unusable(what, "name its columns in a role map: python run.py doctor writes a first one", kind="column")
    found = {number: origin for number, origin in enumerate(origins) if origin}
    states = {origin.place: {**request.signals[number].states, **origin.states} for number, origin in found.items()}
    read = source.read(sorted(states), states=states.__getitem__)
    assert read.clock is not None
    columns = [read.cells[origin.place] for origin in found.values()]
    for number, cells in zip(found, columns, strict=True):
        _odd_cells(source, request.signals[number], cells, decides=request.columns[number] == request.working_column)
    clock, columns, doubled = merged(source.file, read.clock, columns, source.place)
    source.problems += doubled
    readings = {
        number: _in_unit(source, request.signals[number], origin, cells)
        for (number, origin), cells in zip(found.items(), columns, strict=True)
    }
    result = FileReadings(clock, readings, found)
    _check(source, result, request)
    return result


def _odd_cells(source: OpenTrend, signal: Signal, cells: Cells, *, decides: bool) -> None:
    """Notes words in a column of numbers that mean nothing known, and numbers that no sensor reads.

    Raises:
        Unusable: they are numbers with the decimal mark of another style, or the column decides when the unit works.
    """
    source.say_absurd(signal.column, cells)
    if not cells.unread:
        return
    word, (row, _) = min(cells.unread.items(), key=lambda item: item[1][0])
    if cells.foreign is not None:
        mark = "commas" if source.options.decimal == "," else "points"
        word = next(word for word, (first, _) in cells.unread.items() if first == cells.foreign)
        what = f"'{shown(word)}' is not a number with decimal {mark}, as others of the file are"
        where = f"{source.line(cells.foreign)}, {signal.column}"
        raise Unusable(what, f"export it with decimal {mark}, or name the mark: --decimal", where=where, kind="style")
    if decides:
        what = f"'{shown(word)}' is not a state that is known, and {signal.column} says when the unit works"
        what_to_do = f"say in the role map what it means: states: {{{shown(word)}: 0}}, or 1 while the unit works"
        raise Unusable(what, what_to_do, where=f"{source.line(row)}, {signal.column}", kind="cell")
    number = sum(count for _, count in cells.unread.values())
    what = f"{number} cells are not numbers, the first '{shown(word)}': taken as no reading"
    where = f"{source.line(row)}, {signal.column}"
    source.say(what, "correct them, or leave them empty", where=where, kind="cell", column=signal.column)


def _in_unit(source: OpenTrend, signal: Signal, origin: Origin, cells: Cells) -> Readings:
    """A column's readings with their unit: as the role map, the header or the cells state it, else the model's."""
    beside, name = cells.unit, signal.column
    unit = origin.unit or beside or signal.unit
    if origin.unit and beside and beside is not origin.unit:
        what = f"{origin.unit.name} is stated for it, and its cells say {beside.name}: read as {origin.unit.name}"
        source.say(what, "correct the role map", where=name, kind="unit", column=name)
    readings = Readings(signal, unit, cells.values, cells.marked)
    own = signal.reads_in
    if unit and own and unit.quantity != own.quantity:
        what = f"'{shown(origin.name)}' is in {unit.name}, and the model's is in {own.name}: not used"
        source.say(what, "name the right column in a role map (--roles)", where=name, kind="missing", column=name)
        readings = Readings(signal, own, np.full_like(cells.values, np.nan), cells.marked)
    elif origin.unit is None and not beside:
        readings.stated = False
    return readings


def _unstated(source: OpenTrend, readings: Sequence[Readings]) -> None:
    """Says once which units nobody stated."""
    inferred = [r for r in readings if not r.stated and r.unit and r.unit.quantity != "state"]
    taken = [f"{r.signal.column} ({r.unit.name})" for r in inferred if r.unit]
    unknown = [r.signal.column for r in readings if r.signal.unit is None and r.unit is None]
    told = [r for r in readings if r.signal.unit is None and r.unit is not None]
    for unit in dict.fromkeys(r.signal.likely for r in told if r.signal.likely):
        names = [f"{r.signal.column} ({r.unit.name})" for r in told if r.signal.likely is unit and r.unit]
        what = f"the model's readings look like {unit.name}, so it is read in that: {listed(names)}"
        source.say(what, "train again with units (--roles) if that is wrong", kind="unit")
    lost = [f"{r.signal.column} ({r.unit.name})" for r in told if r.signal.likely is None and r.unit]
    if lost:
        what = f"the model's unit is unknown, so units that are stated change nothing for {listed(lost)}"
        source.say(what, "train again with units (--roles), or give them as in the training data", kind="unit")
    if taken:
        what = f"no unit is stated, so the model's is taken for {listed(taken)}"
        source.say(what, "name other units in a role map (--roles)", kind="unit")
    if unknown:
        what = f"the model's unit is unknown, so numbers are taken as they are for {listed(unknown)}"
        source.say(what, "give them as in the training data", kind="unit")


def _too_rare(step: int, needed: str) -> NoReturn:
    what = f"readings are {words_of(step)} apart, and the model needs steps of {needed}"
    raise Unusable(what, f"export them every {needed} or more often", kind="rate")


def _check(source: OpenTrend, found: FileReadings, request: Request) -> None:
    """Looks for readings that cannot be right.

    Raises:
        Unusable: the file cannot be evaluated.
    """
    everything, clock = list(found.readings.values()), found.clock
    if clock.step is not None and clock.step > request.period_seconds * _LATE:
        needed = words_of(request.period_seconds)
        if clock.step <= request.longest_step:
            what = f"readings are {words_of(clock.step)} apart, and held for steps of {needed}"
            source.say(what, "faults that come and go in between are not seen", kind="style")
        else:
            _too_rare(clock.step, needed)
    for readings in everything:
        source.problems += drop_codes(source.file, readings)
        source.problems += drop_zeros(source.file, readings)
    if all(np.isnan(readings.raw).all() for readings in everything):
        raise Unusable("not one of the model's columns holds a reading", "export it again", kind="missing")
    if request.takes_percent:
        source.problems += take_percent(source.file, everything)
    wrong = unit_problems(source.file, everything)
    source.problems += wrong
    if any(problem.fatal for problem in wrong):
        names = listed([problem.column for problem in wrong if problem.fatal], 40)
        first = next(problem for problem in wrong if problem.fatal)
        more = f" (and so for {names})" if names != first.column else ""
        raise Unusable(first.what + more, first.what_to_do, where=first.where, kind="unit")
    _unstated(source, everything)
    same = constant_problem(source.file, clock.times, everything)
    if same:
        raise Unusable(same.what, same.what_to_do, kind=same.kind)
    reach = _reach(clock.step, request)
    for readings in everything:
        source.problems += drop_impossible(source.file, readings)
        source.problems += stuck_problems(source.file, clock.times, readings, reach)


def _reach(step: int | None, request: Request) -> float:
    """Seconds after which a reading says nothing any more."""
    hold = hold_seconds(step, request.period_seconds, request.max_age_seconds)
    return max(hold, step or 0)


def even_readings(source: OpenTrend, found: FileReadings, request: Request) -> EvenReadings:
    """Readings on multiples of the period, as the request asks for; gaps are added to the file's problems.

    Raises:
        Unusable: the grid would be too large, or holds nothing.
    """
    clock, step = found.clock, found.clock.step
    times = snapped(clock.times, step) if step else clock.times
    own = request.own_rate and step is not None and request.period_seconds % step == 0
    period = step if own and step else request.period_seconds
    hold = hold_seconds(step, request.period_seconds, request.max_age_seconds)
    grid = grid_of(times, period=period, reach=_reach(step, request), columns=len(request.signals))
    if not len(grid.times):
        raise Unusable("no reading lies on a step of the grid", "give more readings", kind="rate")
    values = np.full((len(grid.times), len(request.signals)), np.nan, np.float32)
    held: dict[float, list[str]] = {}
    for number, readings in found.readings.items():
        changes = step is None or changes_only(readings.raw, readings.marked)
        # What is missing in a file at its own rate, the training recipe fills.
        longest = np.inf if readings.signal.stays else request.max_age_seconds
        age = longest if changes else period - 1 if own else hold
        column, marked = (
            readings.in_model_unit(),
            readings.marked if changes else np.zeros_like(readings.marked),
        )
        if request.resample == "mean" and not own:
            fine = _fine(step, period)
            column = mean_steps(grid.times, times, column, marked, age, period=period, fine=fine)
        else:
            column = at_steps(grid.times, times, column, marked, age)
        values[:, number] = column
        if changes:
            held.setdefault(longest, []).append(readings.signal.column)
        if np.isnan(column).all():
            what, name = "its column holds no reading", readings.signal.column
            source.say(what, "export it again", where=name, kind="missing", column=name)
    _note_gaps(source, clock, grid.gaps, held)
    row = np.maximum(np.searchsorted(times, grid.times, side="right") - 1, 0)
    return EvenReadings(grid.times, grid.times + clock.shift[row], values, period)


def _fine(step: int | None, period: int) -> int:
    """Seconds between the samples of a mean: the file's step if the period is a multiple of it, else near a tenth."""
    if step is not None and period % step == 0:
        return step
    return next(fine for fine in range(max(1, period // 10), 0, -1) if period % fine == 0)


def _note_gaps(source: OpenTrend, clock: Clock, gaps: np.ndarray, held: dict[float, list[str]]) -> None:
    for age, columns in held.items():
        which = "all columns hold" if clock.step is None and len(held) == 1 else f"{listed(columns, 40)} hold"
        if np.isinf(age):
            what = f"{which} changes of value: states and set points stay until the next"
            source.say(what, "nothing to be done", kind="hold")
        else:
            what = f"{which} changes of value: the last is taken for up to {words_of(round(age))}"
            source.say(what, "change that with --max_age", kind="hold")
    if len(gaps):
        shown_times = clock.times + clock.shift
        long = (clock.times[gaps[:, 1]] - clock.times[gaps[:, 0]]).astype(np.int64)
        begin, end = (str(shown_times[row]).replace("T", " ") for row in gaps[long.argmax()])
        what = f"{len(gaps)} gaps without readings, the longest from {begin} to {end} ({long.max() / 3600:.1f} h)"
        source.say(what, "nothing can be said about them", kind="gap")
