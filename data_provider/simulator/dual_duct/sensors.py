"""What every run of the dual-duct unit has of its own: noise of sensors, a little of the gains and of the plant.

All of it has mean zero and no constant part. On a few working days a run's unit stands still for service.

Letters: n minutes, s sensors.
"""

import numpy as np

from data_provider.simulator.dual_duct.records import COUNT, DECKS, NOISE, PLACES, POINT_NAMES
from data_provider.simulator.noise import Wander, by_day, generator

_FAST_F, _SLOW_F = 0.07, 0.22  # F
_STATIC = 2.0  # Pa
_WATER = 0.35  # K of the plant
_GAINS = 0.07  # of the gains
_SLOW_STEPS, _GAIN_STEPS = 360.0, 120.0  # minutes
SERVICE_DAYS = 1.0 / 1000.0  # share of the days on which the unit of a run is stopped for service

_CONTROLS = 2 * DECKS + 1 + COUNT  # sensors that the controls read: decks' air and pressure, outdoor air, rooms
_AT_ONCE = ("CSA_TEMP", "HSA_TEMP", "OA_TEMP", "RM_TEMP", "CSA_SP", "HSA_SP")  # have their noise in the loop
_EXACT = ("CTL", "CS", "DM", "GPMT", "DMPR", "VLV", "SPD")  # commands, feedbacks, and a flow that is balanced
_KINDS = {"F": ("TEMP", "EWT", "LWT", "MWT", "DAT", "EAT"), "%": ("HUMD", "EAH"), "inwg": ("SP", "DP")}
_ENDS = {"inwg": 3, "F": 1, "%": 1}  # digits behind the point that a building-automation system stores


def kind_of(name: str) -> str:
    """How a point is wrong: "exact" not at all, "F", "%" and "inwg" by a sum, "part" by a part of its value."""
    pieces = name.split("_")
    if "SPT" in name or any(piece in _EXACT for piece in pieces):
        return "exact"
    return next((kind for kind, words in _KINDS.items() if any(piece in words for piece in pieces)), "part")


def _digits(name: str) -> int:
    if "CFM" in name or "WAT" in name:
        return 0
    if "GPM" in name:
        return 2
    return 1 if name.endswith("TEMPSPT") or name.startswith("RM") else _ENDS.get(kind_of(name), 3)


DIGITS: dict[str, int] = {name: _digits(name) for name in POINT_NAMES}
_NOISY = tuple(name for name in POINT_NAMES if kind_of(name) != "exact" and not name.startswith(_AT_ONCE))
_SIZES = {"F": (_FAST_F, _SLOW_F), "%": (0.3, 0.8), "inwg": (0.004, 0.006), "part": (0.008, 0.012)}


def serviced(times: np.ndarray, *, seed: int, run: str) -> np.ndarray:
    """(n,) bool, True on the days on which the unit of a run stands still, for (n,) datetime64[m] of whole days."""
    days = np.unique(times.astype("datetime64[D]"))
    drawn = by_day(seed, f"service {run}", days, 2)
    chance = np.arctan2(drawn[::2], drawn[1::2]) / (2 * np.pi) + 0.5  # uniform
    return np.repeat(chance < SERVICE_DAYS, 1440)


class Disturbances:
    """The disturbances of one run, block after block.

    Args:
        seed: of the whole data set.
        run: the run's name, which gives it a stream of its own.
    """

    def __init__(self, *, seed: int, run: str) -> None:
        self._draw, self._seed, self._run = generator(seed, f"run {run}"), seed, run
        self._slow = Wander(lag=_SLOW_STEPS, start=self._draw.standard_normal(_CONTROLS + DECKS))
        self._gains = Wander(lag=_GAIN_STEPS, start=self._draw.standard_normal(COUNT))
        self._measure = generator(seed, f"sensors {run}")
        self._sensors = Wander(lag=_SLOW_STEPS, start=self._measure.standard_normal(len(_NOISY)))

    def __call__(self, times: np.ndarray, heat: np.ndarray, latent: np.ndarray, occupied: np.ndarray) -> np.ndarray:
        """(n,) NOISE records for the next n minutes.

        Args:
            times: (n,) datetime64[m] of whole days.
            heat: (n, 4) W of the gains that all runs share.
            latent: (n,) W as vapour.
            occupied: (n,) 0 or 1.
        """
        slow_series = _CONTROLS + DECKS
        series = _CONTROLS + slow_series + COUNT
        white = self._draw.standard_normal((len(times), series))  # at once: blocks of any length fit together
        fast, wander = white[:, :_CONTROLS], white[:, _CONTROLS:]
        slow = self._slow(wander[:, :slow_series])
        temperature = _FAST_F * fast + _SLOW_F * slow[:, :_CONTROLS]
        noise = np.zeros(len(times), NOISE)
        noise["deck"], noise["outdoor"] = temperature[:, :DECKS], temperature[:, DECKS]
        noise["room"] = temperature[:, DECKS + 1 : DECKS + 1 + COUNT]
        noise["static"] = _STATIC * fast[:, -DECKS:]
        noise["water"] = _WATER * slow[:, -DECKS:]
        noise["gains"] = heat * np.maximum(1.0 + _GAINS * self._gains(wander[:, slow_series:]), 0.0)
        noise["latent"] = latent
        noise["occupied"] = np.where(serviced(times, seed=self._seed, run=self._run), 0.0, occupied)
        return noise

    def log(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Column -> (n,) float64 as the sensors say it, for (n,) POINTS records of the next n minutes."""
        white = self._measure.standard_normal((len(points), 2 * len(_NOISY)))
        fast, slow = white[:, : len(_NOISY)], self._sensors(white[:, len(_NOISY) :])
        columns = {name: points[field] if place is None else points[field][:, place]
                   for name, (field, place) in PLACES.items()}  # fmt: skip
        for place, name in enumerate(_NOISY):
            kind, true = kind_of(name), columns[name]
            error = _SIZES[kind][0] * fast[:, place] + _SIZES[kind][1] * slow[:, place]
            if kind == "part":
                columns[name] = true * (1.0 + error)
            elif kind == "inwg":
                columns[name] = np.where(true > 0, np.maximum(true + error, 0.0), 0.0)
            else:
                columns[name] = np.clip(true + error, 0.0, 100.0) if kind == "%" else true + error
        return columns
