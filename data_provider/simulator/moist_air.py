"""Moist air, from psychrolib: its functions are tabulated once for the compiled loop.

psychrolib (ASHRAE Fundamentals 2017, chapter 1) is plain Python and too slow for six steps a minute. Saturation is
read from tables of 0.02 K by straight lines; enthalpy is exactly bilinear in temperature and humidity there, so
three numbers taken from the library carry it. Tests compare both with the library.

Letters: temperatures in C, humidity ratios in kg of water a kg of dry air, enthalpies in J a kg of dry air.
"""

import builtins
import importlib.util
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from data_provider.simulator.compiled import compiled

_COLDEST, _STEP = -60.0, 0.02
TEMPERATURES = _COLDEST + _STEP * np.arange(7001)  # C, of the tables


class Air(NamedTuple):
    """Properties of moist air at one pressure.

    Attributes:
        ratio: humidity ratio at saturation, every 0.02 K from -60 C.
        enthalpy: enthalpy at saturation, at the same temperatures.
        dry: J/(kg K), what dry air holds.
        vapour: J/kg, what water vapour holds at 0 C.
        vapour_k: J/(kg K), what it holds more for every K.
        density: kg/m3 of dry air in the air that flow stations are set for (20 C, 50 % relative humidity).
    """

    ratio: np.ndarray
    enthalpy: np.ndarray
    dry: float
    vapour: float
    vapour_k: float
    density: float


@cache
def psychrometrics() -> ModuleType:
    """psychrolib in SI, a copy of our own in plain Python.

    Where numba is there, psychrolib compiles each of its functions again in every process: seconds for a table that
    plain Python fills in a tenth of one. And it breaks where NUMBA_DISABLE_JIT is set. So this copy does not see numba.
    """

    def without_numba(name: str, *args: Any, **kwargs: Any) -> ModuleType:
        if name == "numba":
            raise ImportError("hidden from psychrolib")
        return builtins.__import__(name, *args, **kwargs)

    spec = importlib.util.find_spec("psychrolib")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("psychrolib is not installed; pip install -r requirements.txt")
    library = importlib.util.module_from_spec(spec)
    library.__dict__["__builtins__"] = {**vars(builtins), "__import__": without_numba}
    spec.loader.exec_module(library)
    library.SetUnitSystem(library.SI)
    return library


@cache
def moist_air(elevation: float) -> Air:
    """The properties at the standard pressure of a height above the sea in metres."""
    library = psychrometrics()
    pressure = library.GetStandardAtmPressure(elevation)
    enthalpy = library.GetMoistAirEnthalpy
    half, one = enthalpy(0.0, 0.5), enthalpy(0.0, 1.0)  # not zero: the library knows no quite dry air
    half_k, one_k = enthalpy(1.0, 0.5) - half, enthalpy(1.0, 1.0) - one
    humid = library.GetHumRatioFromRelHum(20.0, 0.5, pressure)
    return Air(
        ratio=np.array([library.GetSatHumRatio(t, pressure) for t in TEMPERATURES]),
        enthalpy=np.array([library.GetSatAirEnthalpy(t, pressure) for t in TEMPERATURES]),
        dry=2 * half_k - one_k,
        vapour=2 * (one - half),
        vapour_k=2 * (one_k - half_k),
        density=1.0 / library.GetMoistAirVolume(20.0, humid, pressure),
    )


@compiled
def _read(table: np.ndarray, t: float) -> float:
    place = min(max((t - _COLDEST) / _STEP, 0.0), len(table) - 1.000001)
    low = int(place)
    return table[low] + (place - low) * (table[low + 1] - table[low])


@compiled
def saturated_ratio(air: Air, t: float) -> float:
    """Humidity ratio of saturated air; with the dew point for t, the humidity ratio of that air."""
    return _read(air.ratio, t)


@compiled
def saturated_enthalpy(air: Air, t: float) -> float:
    """Enthalpy of saturated air."""
    return _read(air.enthalpy, t)


@compiled
def saturation_temperature(air: Air, enthalpy: float) -> float:
    """The temperature at which saturated air has this enthalpy."""
    table = air.enthalpy
    high = min(max(int(np.searchsorted(table, enthalpy)), 1), len(table) - 1)
    share = (enthalpy - table[high - 1]) / (table[high] - table[high - 1])
    return _COLDEST + _STEP * (high - 1 + share)


@compiled
def enthalpy_of(air: Air, t: float, w: float) -> float:
    """Enthalpy of moist air."""
    return air.dry * t + w * (air.vapour + air.vapour_k * t)


@compiled
def temperature_of(air: Air, enthalpy: float, w: float) -> float:
    """Temperature of moist air, the inverse of `enthalpy_of`."""
    return (enthalpy - w * air.vapour) / (air.dry + w * air.vapour_k)


@compiled
def ratio_of(air: Air, enthalpy: float, t: float) -> float:
    """Humidity ratio of moist air, the other inverse of `enthalpy_of`."""
    return (enthalpy - air.dry * t) / (air.vapour + air.vapour_k * t)


@compiled
def heat_capacity(air: Air, w: float) -> float:
    """J/(kg K) of moist air a kg of dry air."""
    return air.dry + w * air.vapour_k
