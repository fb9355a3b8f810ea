"""The days of a drawn unit: each without a fault, and once more with the fault of that day.

Both begin at midnight in the same state and meet the same weather, people and noise. Where they differ, the fault
shows; on a day on which they do not, nothing could tell it.

Letters: n minutes, R rows of a log.
"""

from typing import NamedTuple

import numpy as np

from data_provider.simulator import schedule, weather
from data_provider.simulator.faults import Fault
from data_provider.simulator.fleet.draw import DrawnUnit
from data_provider.simulator.fleet.faults import DrawnFault, draw_fault
from data_provider.simulator.loop import advance
from data_provider.simulator.moist_air import TEMPERATURES, Air, moist_air
from data_provider.simulator.noise import generator
from data_provider.simulator.records import POINTS, TRACE, ZONES
from data_provider.simulator.runs import at_rest
from data_provider.simulator.sensors import Disturbances
from data_provider.simulator.spans import SPIN_UP

# what a unit of the fleet logs: name -> how it is rounded ("f": temperature, "share": 0 to 1, "": not)
LOGGED = {
    "SA_TEMP": "f", "SA_TEMPSPT": "f", "SA_TEMPSPT_HTG": "f", "OA_TEMP": "f", "MA_TEMP": "f", "RA_TEMP": "f",
    "OA_DMPR_DM": "share", "CHWC_VLV_DM": "share", "HWC_VLV_DM": "share", "SF_SPD_DM": "", "SF_CS": "share",
    "SA_SP": "share", "SA_SPSPT": "share", "SYS_CTL": "",
}  # fmt: skip
# By how much a log must differ from its twin's for a fault to show there.
_SHOWS_F, _SHOWS_SHARE = 2.5, 0.15
_SHOWS = {"SA_TEMP": _SHOWS_F, "MA_TEMP": _SHOWS_F, "RA_TEMP": _SHOWS_F, "OA_TEMP": _SHOWS_F,
          "OA_DMPR_DM": _SHOWS_SHARE, "CHWC_VLV_DM": _SHOWS_SHARE, "HWC_VLV_DM": _SHOWS_SHARE}  # fmt: skip
_MEAN_T = 10.0  # C, about which a climate's swings are made larger or smaller
_SUN = 400.0  # W/m2 on the mean wall that counts as full sun


class Day(NamedTuple):
    """A day of a unit.

    Attributes:
        times: (R,) datetime64[m] of its rows.
        fault_free, faulty: point -> (R,) float32, without and with the fault.
        fault: kind and severity.
        shows: (R,) bool, where the unit runs and the fault shows.
    """

    times: np.ndarray
    fault_free: dict[str, np.ndarray]
    faulty: dict[str, np.ndarray]
    fault: DrawnFault
    shows: np.ndarray


class Surroundings(NamedTuple):
    """What a unit meets: (n,) times, WEATHER and NOISE records, and the air of its site."""

    times: np.ndarray
    outdoors: np.ndarray
    noise: np.ndarray
    air: Air


def surroundings(unit: DrawnUnit, *, seed: int, days: int) -> Surroundings:
    """What a unit meets in the fleet of a seed, from the spin-up's first day on."""
    first, total = unit.start - np.timedelta64(SPIN_UP, "D"), days + SPIN_UP
    own = int(generator(seed, f"weather of {unit.name}").integers(0, 2**31))
    times = first.astype("datetime64[m]") + np.arange(total * 1440)
    source = weather.hourly(first=first, days=total, seed=own, file=None)
    air = moist_air(source.site.elevation)
    outdoors = _climate(weather.minutes(source=source, first=first, days=total, seed=own), unit, air)
    return Surroundings(times, outdoors, _noise(unit, own, times, outdoors), air)


def days_of(unit: DrawnUnit, *, seed: int, days: int) -> list[Day]:
    """The days of a unit in the fleet of a seed."""
    times, outdoors, noise, air = surroundings(unit, seed=seed, days=days)
    design, state = unit.design, at_rest()
    faults = generator(seed, f"faults of {unit.name}")
    found = []
    for day in range(days + SPIN_UP):
        here = slice(day * 1440, (day + 1) * 1440)
        wanted = day >= SPIN_UP
        fault = draw_fault(faults, design) if wanted else None
        faulty = _minutes(state.copy(), design, outdoors[here], noise[here], fault.fault, air) if fault else None
        fault_free = _minutes(state, design, outdoors[here], noise[here], Fault(), air)
        if fault and faulty is not None:
            found.append(_day(unit, times[here], fault_free, faulty, fault))
    return found


def _minutes(
    state: np.void, design: np.void, outdoors: np.ndarray, noise: np.ndarray, fault: Fault, air: Air
) -> np.ndarray:
    """(n,) POINTS records of n minutes; the state goes on with them."""
    points, trace = np.zeros(len(noise), POINTS), np.zeros(1, TRACE)
    advance(state, design, outdoors, noise, fault, air, points, trace, np.zeros(ZONES), np.zeros(ZONES))
    return points


def _climate(outdoors: np.ndarray, unit: DrawnUnit, air: Air) -> np.ndarray:
    """The reference climate's WEATHER records, warmer and wider; relative humidity stays but for the moisture."""
    changed = outdoors.copy()
    before = outdoors["dry_bulb"]
    changed["dry_bulb"] = _MEAN_T + unit.swing * (before - _MEAN_T) + unit.warmer
    full, most = (np.interp(t, TEMPERATURES, air.ratio) for t in (before, changed["dry_bulb"]))
    changed["humidity"] = np.minimum(unit.moisture * outdoors["humidity"] / full, 0.98) * most
    return changed


def _noise(unit: DrawnUnit, seed: int, times: np.ndarray, outdoors: np.ndarray) -> np.ndarray:
    """(n,) NOISE records with what is wrong with the unit's sensors for good."""
    heat, latent = schedule.gains(times, seed)
    noise = Disturbances(seed=seed, run=unit.name)(unit.gains * heat, unit.gains * latent, _occupied(unit, times))
    noise["temperature"] *= unit.noise
    noise["temperature"][:, :4] += unit.offsets
    noise["temperature"][:, 1] += unit.sun * np.minimum(outdoors["walls"].mean(1) / _SUN, 1.0)
    noise["layers"] += unit.unmixed
    return noise


def _occupied(unit: DrawnUnit, times: np.ndarray) -> np.ndarray:
    """(n,) 1 while the unit's schedule says so."""
    hour = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")
    weekday = (times.astype("datetime64[D]").astype(np.int64) + 3) % 7
    return ((hour >= unit.opens) & (hour < unit.closes) & ((weekday < 5) | unit.weekends)).astype(np.float64)


def _day(unit: DrawnUnit, times: np.ndarray, fault_free: np.ndarray, faulty: np.ndarray, fault: DrawnFault) -> Day:
    rows = slice(0, None, unit.step)
    runs = faulty["SF_SPD_DM"][rows] > 0
    differs = np.any(
        [np.abs(faulty[name][rows] - fault_free[name][rows]) > least for name, least in _SHOWS.items()], axis=0
    )
    return Day(times[rows], _logged(unit, fault_free[rows]), _logged(unit, faulty[rows]), fault, runs & differs)


def _logged(unit: DrawnUnit, points: np.ndarray) -> dict[str, np.ndarray]:
    """Point -> (R,) float32 as the unit's log rounds them."""
    steps = {"f": unit.digits[0], "share": unit.digits[1], "": 1.0}
    log = {
        name: (np.round(points[name] / steps[how]) * steps[how] + 0.0).astype(np.float32)
        for name, how in LOGGED.items()
    }
    if unit.one_set_point:
        log["SA_TEMPSPT_HTG"] = np.full(len(points), np.nan, np.float32)
    return log
