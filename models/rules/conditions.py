"""What a rule is, and how rules run over trends: averages, operating states, delays.

Letters: T readings.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from models.rules.parameters import Parameters
from models.rules.points import UnitPoints

# What a condition may speak for: faults, by part and by what is wrong with it.
KINDS = (
    "oa_damper_stuck",
    "oa_damper_leak",
    "cooling_valve_stuck",
    "cooling_valve_leak",
    "heating_valve_stuck",
    "heating_valve_leak",
    "sa_sensor_bias",
    "ma_sensor_bias",
    "oa_sensor_bias",
    "ra_sensor_bias",
    "cooling_coil_fouling",
    "unstable_loop",
    "fan_fault",
    "plant_outage",
)

# Operating states, by commands (Guideline 36, table 5.16.14.8; APAR's modes are the same).
HEATING, ECONOMIZER, FREE_AND_COOLING, COOLING, OTHER = 1, 2, 3, 4, 5
EVERY = (HEATING, ECONOMIZER, FREE_AND_COOLING, COOLING, OTHER)
COMMANDS = ("OA_DMPR_DM", "CHWC_VLV_DM", "HWC_VLV_DM")


@dataclass(frozen=True)
class Condition:
    """A rule.

    Attributes:
        name: as published: "FC2", "APAR26".
        text: what it says when it holds.
        kinds: of `KINDS`, faults that it speaks for, those that it tells most plainly first.
        unit: of its margin, "F", "0-1", "in. w.g." or "changes".
        states: operating states in which it is evaluated.
        points: roles that it needs; "cool" and "heat" are set points, "speed" is the supply fan's.
        margin: from averaged points and parameters to (T,) by how much it is exceeded; it holds above 0.
    """

    name: str
    text: str
    kinds: tuple[str, ...]
    unit: str
    states: tuple[int, ...]
    points: tuple[str, ...]
    margin: Callable[[SimpleNamespace, Parameters], np.ndarray]


class Held(NamedTuple):
    """A rule over a unit's trends.

    Attributes:
        condition: the rule.
        evaluated: (T,) bool, where its state and its points let it be evaluated.
        held: (T,) bool, where it has held for the alarm delay.
        margin: (T,) by how much it is exceeded, NaN where it is not evaluated.
    """

    condition: Condition
    evaluated: np.ndarray
    held: np.ndarray
    margin: np.ndarray


def evaluate(unit: UnitPoints, rules: Sequence[Condition], parameters: Parameters) -> list[Held]:
    """Runs rules over trends. A rule whose points are missing is nowhere evaluated, which is not "did not hold"."""
    if not len(unit.times):
        nothing = np.zeros(0, bool)
        return [Held(rule, nothing, nothing, np.zeros(0)) for rule in rules]
    minutes = step_minutes(unit.times)
    breaks = breaks_of(unit.times, unit.working)
    known = _averaged(unit, breaks, max(1, round(parameters.averaged / minutes)))
    state = _states(known, parameters)
    settled = _lasting(np.append(True, state[1:] == state[:-1]), breaks, parameters.mode_delay, minutes)
    known["changes"] = _changes(state, breaks, minutes)
    points = SimpleNamespace(**known)
    found = []
    for rule in rules:
        with np.errstate(invalid="ignore", divide="ignore"):
            margin = np.asarray(rule.margin(points, parameters), np.float64)
        there = ~np.any([np.isnan(known[name]) for name in rule.points], axis=0)
        # What needs no state is evaluated through its changes; an unknown state counts only there.
        ready = unit.working & there & ~np.isnan(margin) & (np.isin(state, rule.states) | (rule.states == EVERY))
        ready &= settled | (rule.states == EVERY)
        held = _lasting(ready & (margin > 0), breaks, parameters.alarm_delay, minutes)
        found.append(Held(rule, ready, held, np.where(ready, margin, np.nan)))
    return found


def answerable(condition: Condition, roles: Collection[str]) -> bool:
    """Whether a unit with points of these roles has what a condition needs, its operating states included."""
    commands = "OA_DMPR_DM" in roles and ("CHWC_VLV_DM" in roles or "HWC_VLV_DM" in roles)
    if (condition.states != EVERY or "changes" in condition.points) and not commands:
        return False
    points = (_FIRST_OF.get(point, (point,)) for point in condition.points if point != "changes")
    return all(any(role in roles for role in some) for some in points)


def step_minutes(times: np.ndarray) -> float:
    """Minutes from a reading to the next, the usual ones of (T,) times."""
    return float(np.median(np.diff(times).astype("timedelta64[s]").astype(np.int64))) / 60 if len(times) > 1 else 1.0


def breaks_of(times: np.ndarray, state: np.ndarray) -> np.ndarray:
    """(T,) number of the span that a reading lies in: without a gap, and without a change of (T,) a state."""
    late = np.diff(times).astype("timedelta64[s]").astype(np.int64) > 3 * 60 * step_minutes(times)
    return np.cumsum(np.append(True, late | (state[1:] != state[:-1])))[: len(times)]


def _averaged(unit: UnitPoints, breaks: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """Points as means of the last steps, NaN where the unit lacks one; with what stands for several."""
    nothing = np.full(len(unit.times), np.nan)
    known = {name: np.asarray(unit.values.get(name, nothing), np.float64) for name in ROLES}
    for name, (first, second) in _FIRST_OF.items():
        known[name] = np.where(np.isnan(known[first]), known[second], known[first])
    if steps > 1:
        import pandas as pd  # a training of networks, which knows of rules by the registry, does without

        means = pd.DataFrame(known).groupby(breaks).rolling(steps, min_periods=1).mean()
        known = {name: means[name].to_numpy() for name in known}
    return known


_TEMPERATURES = ("SA_TEMP", "SA_TEMPSPT", "SA_TEMPSPT_CLG", "SA_TEMPSPT_HTG", "OA_TEMP", "MA_TEMP", "RA_TEMP")
ROLES = (*_TEMPERATURES, *COMMANDS, "SA_SP", "SA_SPSPT", "SF_SPD", "SF_CS")
# What stands for several roles, and for which, the first that has a reading.
_FIRST_OF = {
    "cool": ("SA_TEMPSPT_CLG", "SA_TEMPSPT"),
    "heat": ("SA_TEMPSPT_HTG", "SA_TEMPSPT"),
    "speed": ("SF_SPD", "SF_CS"),
}


def _states(known: Mapping[str, np.ndarray], parameters: Parameters) -> np.ndarray:
    """(T,) operating state; 0 where a command is missing. A unit without a valve is one whose valve is shut."""
    damper, cooling, heating = (known[name] for name in COMMANDS)
    lacks = [np.isnan(values).all() for values in (cooling, heating)]
    cooling = np.zeros(len(damper)) if lacks[0] and not lacks[1] else cooling
    heating = np.zeros(len(damper)) if lacks[1] and not lacks[0] else heating
    shut_c, shut_h = cooling <= parameters.valve, heating <= parameters.valve
    least = damper <= parameters.minimum_damper + parameters.damper
    most = damper >= 1 - parameters.damper
    state = np.select(
        [
            ~shut_h & shut_c & least,
            shut_h & shut_c & ~least,
            shut_h & ~shut_c & most & ~least,
            shut_h & ~shut_c & least,
        ],
        [HEATING, ECONOMIZER, FREE_AND_COOLING, COOLING],
        OTHER,
    )
    return np.where(np.isnan(damper) | np.isnan(cooling) | np.isnan(heating), 0, state)


def _lasting(true: np.ndarray, breaks: np.ndarray, delay: float, minutes: float) -> np.ndarray:
    """(T,) bool: where something has been true for a delay in minutes, without a break."""
    steps = math.ceil(delay / minutes)
    begins = true & ~np.append(False, true[:-1]) | np.append(True, breaks[1:] != breaks[:-1])
    number = np.arange(len(true))
    since = number - np.maximum.accumulate(np.where(begins, number, 0))
    return true & (since >= steps)


def _changes(state: np.ndarray, breaks: np.ndarray, minutes: float) -> np.ndarray:
    """(T,) changes of the operating state within the last hour; NaN where steps are too long to count them."""
    if minutes > 5:
        return np.full(len(state), np.nan)
    whole = breaks[1:] == breaks[:-1]
    total = np.cumsum(np.append(False, (state[1:] != state[:-1]) & whole))
    number = np.arange(len(state))
    first = np.maximum.accumulate(np.where(np.append(True, ~whole), number, 0))
    return (total - total[np.maximum(number - round(60 / minutes), first)]).astype(np.float64)
