"""Readings that cannot be right: codes for no reading, the wrong unit, what no sensor reads, sensors that stand still.

Nothing is converted or corrected on suspicion: a reading that is none becomes unknown, the rest is reported.
Letters: T readings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_provider.trends.columns import Signal
from data_provider.trends.problems import Problem
from data_provider.trends.role_names import FAN_SHOWS
from data_provider.trends.units import POSSIBLE, UNITS, Unit, convert, interval, units_of

CODES = np.array(
    [99.9, 999, 999.9, 9999, 9999.9, 99999, 999999, -99, -99.9, -999, -999.9, -9999, -9999.9, -99999]
    + [32767, -32768, 65535, 3276.7, -3276.8, 6553.5, 1e30, -1e30]
)
_SMALLEST_CODE = 99.0
TEMPERATURE_STUCK_HOURS = 6.0  # in measured data a duct's air keeps its temperature for 86 minutes at most
ZONE_STUCK_HOURS = 24.0  # a zone's air may keep its temperature for a night, on a coarse sensor
NONZERO_STUCK_HOURS = 24.0  # flows, pressures and powers stand at zero while a unit is off, and nowhere else
_CONSTANT_HOURS = 1.0  # a shorter file may well hold one reading
_SURE_SHARE, _HIGHEST_PERCENT = 1.5, 130.0  # a share between them is a percentage
_MOST_COUNTS = 10_000.0
_FEW = 3  # readings that a glitch may give


@dataclass
class Readings:
    """A signal's readings while they are checked.

    Attributes:
        signal: the model's column.
        unit: the file's unit, taken as the model's where the file does not say; None if neither is known.
        raw: (T,) float64 in the file's unit, NaN where there is none.
        marked: (T,) bool, True where the file marks the reading as missing.
        stated: False where nobody stated the unit.
    """

    signal: Signal
    unit: Unit | None
    raw: np.ndarray
    marked: np.ndarray
    stated: bool = True

    def in_model_unit(self) -> np.ndarray:
        """(T,) float64 in the model's unit."""
        return self.as_if(self.unit)

    def as_if(self, unit: Unit | None) -> np.ndarray:
        """(T,) float64 in the model's unit, had the file this one."""
        own = self.signal.reads_in
        return self.raw if unit is None or own is None else convert(self.raw, unit, own)

    def drop(self, rows: np.ndarray) -> None:
        """Makes some readings unknown."""
        self.raw = np.where(rows, np.nan, self.raw)
        self.marked = self.marked | rows


def drop_codes(file: str, readings: Readings) -> list[Problem]:
    """Makes 999, -9999 and the like unknown where such a point cannot read them."""
    signal, raw = readings.signal, readings.raw
    coded = np.abs(raw) >= _SMALLEST_CODE  # few readings are, and comparing each with every code is slow
    coded[coded] = np.isin(raw[coded], CODES.astype(raw.dtype))
    if not coded.any():
        return []
    value = readings.in_model_unit()
    low, high = _believable(signal)
    outside = coded & ((value < low) | (value > high))
    if outside.any():
        words = ", ".join(f"{code:g}" for code in np.unique(readings.raw[outside])[:4])
        readings.drop(outside)
        what = f"{words} stands {int(outside.sum())} times, and {signal.column} cannot read that: taken as no reading"
        return [note(file, signal, what, "look at the sensor if that is often", "code")]
    if not np.isfinite(high):
        what = f"{readings.raw[coded][0]:g} stands {int(coded.sum())} times and may stand for a missing reading"
        return [note(file, signal, what, "leave such cells empty if so", "code")]
    return []


def _believable(signal: Signal) -> tuple[float, float]:
    """What a signal can read at all; without knowledge of its kind, far beyond what training saw."""
    if signal.possible is not None:
        return signal.possible
    if signal.trained is not None:
        span = max(signal.trained[1] - signal.trained[0], 1.0)
        return signal.trained[0] - 2 * span, signal.trained[1] + 2 * span
    if signal.quantity in POSSIBLE:  # in whatever unit
        limits = [interval(POSSIBLE[signal.quantity], signal.quantity, unit) for unit in units_of(signal.quantity)]
        return min(low for low, _ in limits), max(high for _, high in limits)
    return -np.inf, np.inf


def drop_impossible(file: str, readings: Readings) -> list[Problem]:
    """Makes readings unknown that no such sensor gives."""
    signal = readings.signal
    if signal.possible is None or signal.unit is None:
        return []
    value, (low, high) = readings.in_model_unit(), signal.possible
    outside = (value < low) | (value > high)
    number = int(outside.sum())
    if not number:
        return []
    what = (
        f"{number} of {int((~np.isnan(value)).sum())} readings are outside {low:g} to {high:g} {signal.unit.name}, the "
        f"first {value[outside][0]:g}: taken as no reading"
    )
    readings.drop(outside)
    return [note(file, signal, what, "look at the sensor and its unit", "range")]


def note(file: str, signal: Signal, what: str, what_to_do: str, kind: str, fatal: bool = False) -> Problem:
    """A problem of a signal."""
    return Problem(file, signal.column, what, what_to_do, fatal, kind, signal.column)


def take_percent(file: str, everything: Sequence[Readings]) -> list[Problem]:
    """Makes shares of unstated unit percentages, if readings of one can only be that: a system writes all alike."""
    shares = [entry for entry in everything if entry.unit is UNITS["0-1"] and not entry.stated]
    if not any(_percentages(entry.raw) for entry in shares):
        return []
    for entry in shares:
        entry.unit, entry.stated = UNITS["%"], True
    names = ", ".join(entry.signal.column for entry in shares)
    return [Problem(file, "", f"taken as percentages by their readings: {names}", "state units in --roles if that is "
                    "wrong", False, "unit")]  # fmt: skip


def unit_problems(file: str, everything: Sequence[Readings]) -> list[Problem]:
    """Signals whose readings fit another unit than the one they are given in; each makes the file unusable.

    Args:
        everything: of one file, because columns bear witness for each other: a system writes all shares alike.
    """
    found = []
    shares = [entry for entry in everything if entry.unit and entry.unit.quantity == "fraction"]
    percent = any(_percentages(entry.raw) for entry in shares)
    still = _still(everything)
    for readings in everything:
        signal, unit = readings.signal, readings.unit
        known = unit is not None and signal.unit is not None and not np.isnan(readings.raw).all()
        if not known or unit is None or signal.unit is None:
            continue
        if still and unit.quantity in ("flow", "pressure", "power"):
            continue
        probable = _share(readings, percent) if unit.quantity == "fraction" else _unusual(readings)
        if probable:
            what = f"{_summary(readings)} is not what it reads in {unit.name}, but would be in {' or '.join(probable)}"
            what_to_do = f'write its unit into the role map: unit: "{probable[0]}"'
            found.append(note(file, signal, what, what_to_do, "unit", True))
        else:
            found += _untrained(file, readings)
    return found


def _still(everything: Sequence[Readings]) -> bool:
    """Whether a file says that its unit never runs, so that flows and pressures tell nothing about their units."""
    says = [e.raw for e in everything if e.signal.role and e.signal.role.name in ("SYS_CTL", *list(FAN_SHOWS)[:3])]
    return any(not np.isnan(raw).all() and np.nanmax(np.abs(raw)) == 0 for raw in says)


def _percentages(values: np.ndarray) -> bool:
    """Whether some readings can only be percentages. A valve that is shut most of the time has few of them."""
    high = values[values > _SURE_SHARE]
    return len(high) >= _FEW and bool(np.median(high) <= _HIGHEST_PERCENT)


def are_counts(values: np.ndarray) -> bool:
    """Whether some readings can only be counts up to 10000: far above any percentage, and never beyond."""
    high = values[values > 2 * _HIGHEST_PERCENT]
    return len(high) >= _FEW and bool(high.max() <= _MOST_COUNTS)


def _share(readings: Readings, percent: bool) -> list[str]:
    """The other way to write shares, if the readings are written so."""
    if readings.unit is UNITS["0-1"] and _percentages(readings.raw):
        return ["%"]
    if readings.unit in (UNITS["0-1"], UNITS["%"]) and are_counts(readings.raw):
        return ["0-10000"]
    if readings.unit is UNITS["%"] and not percent and 0 < np.nanmax(readings.raw) <= 1:
        return ["0-1"]
    return []


def statistic(values: np.ndarray, quantity: str) -> float | None:
    """What is compared with a signal's usual range; None where the readings, (T,), tell nothing.

    The median of temperatures; of the rest a high reading, as flow and pressure are zero while a unit is off.
    """
    if quantity == "temperature":
        return float(np.nanmedian(values))
    high = float(np.nanpercentile(values, 95))
    return high if high > 0 else None


def _unusual(readings: Readings) -> list[str]:
    """Units in which the readings would be usual, where they are not in their own."""
    usual, unit = readings.signal.usual, readings.unit
    now = statistic(readings.in_model_unit(), readings.signal.quantity)
    if usual is None or now is None or unit is None or usual[0] <= now <= usual[1]:
        return []
    return [other.name for other in units_of(unit.quantity) if other is not unit and _fits(readings, other, usual)]


def _fits(readings: Readings, unit: Unit, limits: tuple[float, float]) -> bool:
    value = statistic(readings.as_if(unit), readings.signal.quantity)
    return value is not None and limits[0] <= value <= limits[1]


def _untrained(file: str, readings: Readings) -> list[Problem]:
    """Readings far from all training, which another unit would put into its midst. A larger unit looks the same."""
    signal, unit = readings.signal, readings.unit
    now = statistic(readings.in_model_unit(), signal.quantity)
    if signal.trained is None or unit is None or now is None or unit.quantity in ("fraction", "state"):
        return []
    low, high = signal.trained
    span = high - low
    if span <= 0 or low - span / 4 <= now <= high + span / 4:
        return []
    probable = [
        other.name for other in units_of(unit.quantity) if other is not unit and _fits(readings, other, signal.trained)
    ]
    if not probable:
        return []
    what = f"{_summary(readings)} is far from training's {low:g} to {high:g}, and would fit in {' or '.join(probable)}"
    return [note(file, signal, what, "check its unit, and write it into the role map", "unit")]


def _summary(readings: Readings) -> str:
    word = "median" if readings.signal.quantity == "temperature" else "95th percentile"
    if readings.signal.quantity == "fraction":
        return f"a highest reading of {np.nanmax(readings.raw):g}"
    value = statistic(readings.raw, readings.signal.quantity)
    return f"a {word} of {value:g}"


def stuck_problems(file: str, times: np.ndarray, readings: Readings, reach: float) -> list[Problem]:
    """Whether a sensor that should move stands still for hours.

    Args:
        times: (T,) datetime64[s], rising.
        reach: seconds between readings after which nothing is known about the time between.
    """
    hours = _patience(readings.signal)
    kept = ~np.isnan(readings.raw)
    if hours is None or kept.sum() < 2:
        return []
    when, values = times[kept].astype(np.int64), readings.raw[kept]
    ends = np.flatnonzero((np.diff(values) != 0) | (np.diff(when) > reach))
    first, last = np.append(0, ends + 1), np.append(ends, len(values) - 1)
    stands = when[last] - when[first]
    if readings.signal.quantity != "temperature":
        stands = np.where(values[first] == 0, 0, stands)
    found = np.flatnonzero(stands >= hours * 3600)
    if not len(found):
        return []
    longest = int(found[stands[found].argmax()])
    begin, end = (
        str(np.datetime64(int(t), "s")).replace("T", " ") for t in (when[first[longest]], when[last[longest]])
    )
    what = (
        f"it reads {values[first[longest]]:g} from {begin} to {end} without any change ({stands[longest] / 3600:.0f} h)"
        + (f", and {len(found) - 1} times more for {hours:g} h or longer" if len(found) > 1 else "")
    )
    return [note(file, readings.signal, what, "look at the sensor: it may be stuck, or its trend dead", "stuck")]


def _patience(signal: Signal) -> float | None:
    """Hours that a signal may stand still, None for any time."""
    kind = signal.role.kind if signal.role else "sensor"
    if kind != "sensor":
        return None
    if signal.quantity == "temperature":
        zone = signal.role is not None and signal.role.name.startswith("ZONE")
        return ZONE_STUCK_HOURS if zone or signal.role is None else TEMPERATURE_STUCK_HOURS
    return NONZERO_STUCK_HOURS if signal.quantity in ("flow", "pressure", "power") and signal.role else None


def constant_problem(file: str, times: np.ndarray, everything: Sequence[Readings]) -> Problem | None:
    """A file in which nothing moves that should: an export that repeats one reading."""
    present = [entry for entry in everything if not np.isnan(entry.raw).all()]
    moving = [entry for entry in present if _patience(entry.signal) and entry.signal.quantity == "temperature"]
    considered = moving or present
    hours = (times[-1] - times[0]).astype(np.int64) / 3600
    if hours < _CONSTANT_HOURS or not considered or any(np.nanmin(e.raw) != np.nanmax(e.raw) for e in considered):
        return None
    what = f"{'no temperature' if moving else 'nothing'} in it changes in {hours:.0f} h"
    return Problem(file, "", what, "export it again: one reading seems to be repeated", True, "stuck")
