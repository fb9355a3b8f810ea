"""A unit with two windows a day, of which tests say what is wrong."""

import numpy as np

from data_provider.trends.columns import signals_of
from data_provider.trends.trend import Trend
from data_provider.trends.units import UNITS, Source
from exp.detection.evaluated import EvaluatedFile
from exp.detection.evidence.points import UnitReadings, readings_of_unit

MIDNIGHT = np.datetime64("2024-03-01T00:00:00")
PERIOD = 900
STEPS = 86400 // PERIOD  # of a day
# What a unit reads while nothing is said of it, in F, shares, CFM and W.
USUAL = {
    "SA_TEMP": 57.0, "SA_TEMPSPT": 55.0, "OA_TEMP": 50.0, "MA_TEMP": 55.0, "RA_TEMP": 72.0, "OA_DMPR_DM": 0.5,
    "OA_DMPR": 0.5, "CHWC_VLV_DM": 0.0, "CHWC_VLV": 0.0, "HWC_VLV_DM": 0.0, "SA_CFM": 10000.0, "SF_WAT": 5000.0,
    "SF_CS": 0.8,
}  # fmt: skip
UNIT_OF = {"TEMP": "F", "CFM": "CFM", "WAT": "W"}


def unit_of(role: str) -> str:
    """The unit that a role is read in."""
    return next((unit for word, unit in UNIT_OF.items() if word in role), "0-1")


def unit(
    verdicts: list[str], changes: dict[int, dict[str, float]], *, without: tuple[str, ...] = (), celsius: bool = False
) -> UnitReadings:
    """A unit of as many days as there are verdicts.

    Args:
        verdicts: of the two windows of each day, 08:00 to 12:00 and 12:00 to 16:00.
        changes: day -> role -> what it reads on that day instead of `USUAL`.
        without: roles that its file lacks.
        celsius: whether its file has temperatures in C under names of its own.
    """
    times = MIDNIGHT + np.arange(len(verdicts) * STEPS) * np.timedelta64(PERIOD, "s")
    columns = tuple(role for role in USUAL if role not in without)
    values = np.array([[USUAL[role] for role in columns]] * len(times), np.float32)
    for day, changed in changes.items():
        for role, value in changed.items():
            values[day * STEPS : (day + 1) * STEPS, columns.index(role)] = value
    sources = {
        place: Source(f"AHU {role}", UNITS["C" if celsius and "TEMP" in role else unit_of(role)])
        for place, role in enumerate(columns)
    }
    trend = Trend("unit.csv", times, times, values, [], False, PERIOD, sources=sources)
    hours = [24 * day + hour for day in range(len(verdicts)) for hour in (8, 12)]
    start = MIDNIGHT + np.array(hours) * np.timedelta64(1, "h")
    names = np.repeat(np.array(verdicts, object), 2)
    evaluated = EvaluatedFile(
        trend=trend, windows=None, start=start, end=start + np.timedelta64(4 * 3600 - PERIOD, "s"),
        probabilities=np.zeros((len(start), 1)), confidence=np.zeros((len(start), 1)), named=np.zeros(len(start), int),
        novelty=np.zeros(len(start)), novelty_rank=np.zeros(len(start)),
        verdict=names, reason=np.full(len(start), "", object), gaps=[], refused="",
        cautions=[], notes=[],
    )  # fmt: skip
    signals = signals_of(columns, [unit_of(role) for role in columns], None)
    return readings_of_unit(evaluated, signals, range(len(columns)))


def windows_of(readings: UnitReadings, fault: str) -> np.ndarray:
    """Places of the windows with a verdict."""
    return np.flatnonzero(readings.evaluated.verdict == fault)
