"""Guideline 36's fault conditions as a baseline: no weights, only which class a condition speaks for.

Letters: n training windows, B windows, C signals, L time steps, R roles, J conditions, K classes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.baselines.base import Baseline
from models.rules import GUIDELINE_36, Parameters, UnitPoints, answerable, evaluate, infer
from models.rules.conditions import ROLES
from utils.errors import UserError

_FEWEST = 5  # training windows in which a condition held, before they tell what it speaks for
_DELAY = 0.25  # of a window, at most, for each of the guideline's two delays
_TOGETHER = 2048  # windows, for memory alone
_START = np.datetime64("2000-01-01T00:00:00")
_DAMPER, _COOLING, _HEATING = r"\b(damper|dmpr)", r"\b(cool|chw|clg|coi\b)", r"\b(heat|htg|hwc?\b|hhw)"
# Words of a class's name that say that it is a fault of some kind; a name must have one of each.
_WORDS = {
    "oa_damper_stuck": (_DAMPER, r"\bstuck"),
    "oa_damper_leak": (_DAMPER, r"\bleak"),
    "cooling_valve_stuck": (_COOLING, r"\bstuck"),
    "cooling_valve_leak": (_COOLING, r"\bleak"),
    "heating_valve_stuck": (_HEATING, r"\bstuck"),
    "heating_valve_leak": (_HEATING, r"\bleak"),
    "sa_sensor_bias": (r"\b(sa|sat|supply|discharge|coi)\b", r"\bbias"),
    "ma_sensor_bias": (r"\b(ma|mat|mixed)\b", r"\bbias"),
    "oa_sensor_bias": (r"\b(oa|oat|outdoor|outside)\b", r"\bbias"),
    "ra_sensor_bias": (r"\b(ra|rat|return)\b", r"\bbias"),
    "cooling_coil_fouling": (_COOLING, r"\bfoul"),
    "unstable_loop": (r"\b(unstable|hunt|oscillat)",),
    "fan_fault": (r"\bfan",),
    "plant_outage": (r"\b(plant|chiller|outage)",),
}


@dataclass(frozen=True)
class Signals:
    """What conditions must know of the signals of windows.

    Attributes:
        roles: of the C signals (data_provider/trends/role_names.yaml), "" for one that stands for none.
        low, high: (C,) readings that are -1 and 1 in a window, in F, in. w.g. and shares from 0 to 1.
        minutes: from a step to the next.
        classes: K names.
        normal: the fault-free one, None if there is none.
    """

    roles: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    minutes: float
    classes: tuple[str, ...]
    normal: str | None


class Guideline36(Baseline):
    """Fault conditions of ASHRAE Guideline 36-2021 with published thresholds; each speaks for one class.

    A condition speaks for the class of most training windows in which it held, else for the class whose name has the
    words of a fault that it is published for. Of a window, the conditions that hold in it vote; where none does, it is
    fault-free. Delays of the guideline that are longer than a quarter of the window are that quarter.
    """

    names = ("low", "high", "places", "speaks", "fallback", "minutes", "minimum_damper")
    low: Tensor
    high: Tensor
    places: Tensor
    speaks: Tensor
    fallback: Tensor
    minutes: Tensor
    minimum_damper: Tensor

    def __init__(self, *, signals: int, classes: int, seed: int) -> None:
        super().__init__(signals=signals, classes=classes, seed=seed)
        self.width = signals
        self.signals: Signals | None = None

    def look_at(self, signals: Signals) -> None:
        """Takes what a fit must know beside the windows.

        Raises:
            UserError: no condition can be evaluated on these signals.
        """
        roles = {*signals.roles} & {*ROLES}
        if not any(answerable(condition, roles) for condition in GUIDELINE_36 if condition.name != "FC1"):
            found = f"only {', '.join(sorted(roles))}" if roles else "none of them"
            raise UserError(
                "--model Guideline36 needs columns that are known points of an air-handling unit, as MA_TEMP with "
                f"OA_TEMP and RA_TEMP, or OA_DMPR_DM and CHWC_VLV_DM with SA_TEMP and MA_TEMP; the data has {found}; "
                "docs/READERS.md says how columns are named"
            )
        self.signals = signals

    def _fitted(self, x: Tensor, y: Tensor, weights: Tensor | None) -> dict[str, Tensor]:
        if self.signals is None:
            raise UserError("--model Guideline36 needs to know what its signals are, so it is fitted to data alone")
        known = self.signals
        places = [known.roles.index(role) if role in known.roles else -1 for role in ROLES]
        self.low, self.high = (torch.from_numpy(np.asarray(edge, np.float64)) for edge in (known.low, known.high))
        self.places, self.minutes = torch.tensor(places), torch.tensor(known.minutes, dtype=torch.float64)
        readings = self._readings(x)
        unit = self._unit(readings)
        self.minimum_damper = torch.tensor(infer(unit).minimum_damper, dtype=torch.float64)
        weight = np.ones(len(y)) if weights is None else weights.double().cpu().numpy()
        target = y.cpu().numpy()
        amount = np.bincount(target, weight, minlength=self.classes)  # (K,)
        fallback = int(amount.argmax())
        if known.normal in known.classes and amount[known.classes.index(str(known.normal))] > 0:
            fallback = known.classes.index(str(known.normal))
        self.speaks = torch.tensor(_spoken_for(self._held(readings), target, weight, known.classes))
        self.fallback = torch.tensor(fallback)
        return {name: getattr(self, name) for name in self.names}

    def probabilities(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, J) of the classes in training: the shares of the votes of the conditions that hold."""
        held, speaks = self._held(self._readings(x)), self.speaks.cpu().numpy()
        votes = np.zeros((len(x), self.classes))
        for number, spoken in enumerate(speaks):
            if spoken >= 0:
                votes[:, spoken] += held[:, number]
        votes[votes.sum(1) == 0, int(self.fallback)] = 1.0
        return torch.from_numpy(votes / votes.sum(1, keepdims=True)).to(x.device)[:, self.present]

    def _readings(self, x: Tensor) -> np.ndarray:
        """(B, C, L) in [-1, 1] -> (R, B, L) readings, NaN where the signal of a role is missing.

        A signal that a window lacks is 0 all over in it. One that never changed in training is so always, and known.
        """
        low, high = self.low.cpu().numpy(), self.high.cpu().numpy()
        scaled = x.double().cpu().numpy().transpose(1, 0, 2)  # (C, B, L)
        readings = np.full((len(ROLES), *scaled.shape[1:]), np.nan)
        for role, place in enumerate(self.places.tolist()):
            if place >= 0:
                signal, span = scaled[place], (high[place] - low[place]) / 2
                missing = (signal == 0).all(-1, keepdims=True) & (span != 0)
                readings[role] = np.where(missing, np.nan, low[place] + (signal + 1) * span)
        return readings

    def _unit(self, readings: np.ndarray) -> UnitPoints:
        """(R, B, L) readings as trends of one unit, a day without readings between windows."""
        _, windows, length = readings.shape
        step = round(float(self.minutes) * 60)
        seconds = np.arange(windows)[:, None] * (86400 + length * step) + np.arange(length) * step
        there = {role: readings[place].reshape(-1) for place, role in enumerate(ROLES) if self.places[place] >= 0}
        times = _START + seconds.reshape(-1).astype("timedelta64[s]")
        return UnitPoints(times, np.ones(len(times), bool), there)

    def _held(self, readings: np.ndarray) -> np.ndarray:
        """(B, J) bool: in which windows (R, B, L) each condition held at any time."""
        _, windows, length = readings.shape
        most = _DELAY * float(self.minutes) * length
        published = Parameters(minimum_damper=float(self.minimum_damper))
        delays = min(published.mode_delay, most), min(published.alarm_delay, most)
        parameters = Parameters(minimum_damper=published.minimum_damper, mode_delay=delays[0], alarm_delay=delays[1])
        held = np.zeros((windows, len(GUIDELINE_36)), bool)
        # Windows that lack the same signals go together: a unit without a valve is another one than a unit with it.
        kinds, kind = np.unique(np.isnan(readings).all(-1).T, axis=0, return_inverse=True)
        for number in range(len(kinds)):
            alike = np.flatnonzero(kind.reshape(-1) == number)
            for some in np.split(alike, range(_TOGETHER, len(alike), _TOGETHER)):
                found = evaluate(self._unit(readings[:, some]), GUIDELINE_36, parameters)
                held[some] = np.stack([one.held.reshape(len(some), length).any(1) for one in found], 1)
        return held

    def _check(self) -> None:
        super()._check()
        shapes = {"low": (self.width,), "high": (self.width,), "places": (len(ROLES),), "speaks": (len(GUIDELINE_36),)}
        for name in self.names:
            if getattr(self, name).shape != shapes.get(name, ()):
                raise RuntimeError(f"{name} is {tuple(getattr(self, name).shape)} and not {shapes.get(name, ())}")
        if {self.places.dtype, self.speaks.dtype, self.fallback.dtype} != {torch.int64}:
            raise RuntimeError("its places and classes are not whole numbers")
        places, speaks = self.places.tolist(), {*self.speaks.tolist(), int(self.fallback)} - {-1}
        if not all(-1 <= place < self.width for place in places) or not speaks <= {*self.present.tolist()}:
            raise RuntimeError("its conditions are not about these signals and classes")
        if not float(self.minutes) > 0 or not np.isfinite([*self.low, *self.high, self.minimum_damper]).all():
            raise RuntimeError("its readings are not finite, or its steps have no length")


def _spoken_for(held: np.ndarray, target: np.ndarray, weight: np.ndarray, classes: Sequence[str]) -> list[int]:
    """J class numbers that conditions speak for, -1 where neither windows nor words tell."""
    present = {*target.tolist()}
    spoken = []
    for number, condition in enumerate(GUIDELINE_36):
        those = held[:, number]
        if those.sum() >= _FEWEST:
            spoken.append(int(np.bincount(target[those], weight[those], minlength=len(classes)).argmax()))
        else:
            place = class_of(condition.kinds, classes)
            spoken.append(place if place in present else -1)
    return spoken


def class_of(kinds: Sequence[str], classes: Sequence[str]) -> int:
    """The place of the class whose name has the words of one of the kinds, the first kind first; -1 if none has."""
    names = [re.sub(r"[^a-z]+", " ", re.sub(r"(?<=[a-zA-Z])(?=[A-Z][a-z])", " ", name).casefold()) for name in classes]
    for kind in kinds:
        for place, name in enumerate(names):
            if all(re.search(word, name) for word in _WORDS[kind]):
                return place
    return -1
