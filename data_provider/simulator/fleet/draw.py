"""A unit drawn at random: its kind, design, climate, schedule, sensors and log.

Every unit has a stream of random numbers of its own, keyed by the fleet's seed and the unit's number. A fleet of 20 so
is the beginning of a fleet of 400.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from data_provider.simulator import design as d
from data_provider.simulator.noise import generator

KINDS = ("multi_zone_vav", "single_zone_vav", "single_zone_cav")
_SHARES = (0.5, 0.28, 0.22)
_STEPS, _STEP_SHARES = (1, 5, 10, 15), (0.4, 0.35, 0.05, 0.2)  # minutes between two rows
_YEAR = np.datetime64("2018-01-01")


@dataclass(frozen=True, kw_only=True)
class DrawnUnit:
    """A unit of a fleet.

    Attributes:
        name: "unit_0007".
        kind: one of `KINDS`.
        values: fields of DESIGN that differ from the reference unit.
        start: datetime64[D], the first day.
        warmer: K by which its climate is warmer than the reference.
        swing: of the reference climate's swings.
        moisture: of the reference climate's moisture at equal relative humidity.
        opens, closes: hours of a working day between which it runs; 0 and 24 for one that never stops.
        weekends: whether it runs on them.
        gains: of the reference building's heat of people, lights and equipment.
        offsets: F that supply-, outdoor-, mixed- and return-air sensors read too high.
        sun: F that the outdoor-air sensor reads too high in full sun.
        unmixed: how far the mixed-air sensor hangs in one of the two streams, around 0.
        noise: of the reference sensors' noise.
        one_set_point: whether its log has a single supply-air set point, the cooling one.
        step: minutes between two rows of its log.
        digits: F and share to which its log rounds.
    """

    name: str
    kind: str
    values: dict[str, float]
    start: np.datetime64
    warmer: float
    swing: float
    moisture: float
    opens: float
    closes: float
    weekends: bool
    gains: float
    offsets: tuple[float, float, float, float]
    sun: float
    unmixed: float
    noise: float
    one_set_point: bool
    step: int
    digits: tuple[float, float]

    @property
    def design(self) -> np.void:
        """Its DESIGN record."""
        return d.designed(**self.values)


def draw_unit(seed: int, number: int) -> DrawnUnit:
    """The unit of a number, from 0, in the fleet of a seed."""
    draw = generator(seed, f"fleet unit {number}")
    kind = str(draw.choice(KINDS, p=_SHARES))
    values = {**_building(draw), **_air_side(draw), **_coils(draw), **_loops(draw)}
    values |= _multi_zone(draw) if kind == KINDS[0] else _single_zone(draw, varies=kind == KINDS[1])
    always = draw.random() < 0.2
    return DrawnUnit(
        name=f"unit_{number:04}",
        kind=kind,
        values=values,
        start=_YEAR + int(draw.integers(0, 365)),
        warmer=draw.uniform(-6.0, 13.0),
        swing=draw.uniform(0.55, 1.15),
        moisture=draw.uniform(0.4, 1.1),
        opens=0.0 if always else draw.uniform(4.5, 8.0),
        closes=24.0 if always else draw.uniform(16.5, 22.5),
        weekends=bool(always or draw.random() < 0.4),
        gains=draw.uniform(0.4, 1.6),
        offsets=_offsets(draw),
        sun=draw.uniform(0.0, 3.0) if draw.random() < 0.25 else 0.0,
        unmixed=float(draw.standard_normal()),
        noise=draw.uniform(0.3, 1.5),
        one_set_point=bool(draw.random() < (0.15 if values["reset"] == d.THERMOSTAT else 0.7)),
        step=int(draw.choice(_STEPS, p=_STEP_SHARES)),
        digits=_digits(draw),
    )


def _between(draw: np.random.Generator, low: float, high: float) -> float:
    """A factor whose logarithm is even between two limits."""
    return float(np.exp(draw.uniform(np.log(low), np.log(high))))


def _offsets(draw: np.random.Generator) -> tuple[float, float, float, float]:
    """Constant errors in F; mixed air is the hardest to measure. Guideline 36 allows for 2, 2, 5 and 2 F."""
    errors = np.clip(draw.standard_t(6, 4), -2.7, 2.7) * (0.6, 0.8, 1.5, 0.7)
    supply, outdoor, mixed, returned = errors.tolist()
    return supply, outdoor, mixed, returned


def _digits(draw: np.random.Generator) -> tuple[float, float]:
    """A log rounds, or writes a value down only once it has moved by so much."""
    if draw.random() < 0.7:
        return 0.1, 0.001
    return float(draw.choice([0.25, 0.5, 1.0])), float(draw.choice([0.01, 0.02]))


def _building(draw: np.random.Generator) -> dict[str, float]:
    heat = draw.uniform(66.0, 71.0)
    return {
        "envelope": draw.uniform(0.5, 1.8),
        "box_size": draw.uniform(0.8, 1.3),
        "least_flow": draw.uniform(0.15, 0.45),
        "zone_heat_f": heat,
        "zone_cool_f": heat + draw.uniform(2.0, 7.0),
    }


def _air_side(draw: np.random.Generator) -> dict[str, float]:
    limit = draw.choice([d.NO_ECONOMIZER, d.DRY_BULB, d.DIFFERENTIAL], p=[0.15, 0.45, 0.40])
    return {
        "efficiency": draw.uniform(0.45, 0.75),
        "minimum_outdoor": draw.uniform(0.0, 0.10) if draw.random() < 0.12 else draw.uniform(0.10, 0.50),
        "outdoor_size": _between(draw, 0.45, 1.8),
        "outdoor_leak": draw.uniform(0.0, 0.10),
        "return_leak": draw.uniform(0.10, 0.35) if draw.random() < 0.2 else draw.uniform(0.0, 0.08),
        "damper_exponent": draw.uniform(0.5, 2.5),
        "layers": draw.uniform(0.0, 0.30),
        "economizer": float(limit),
        "economizer_low_f": draw.uniform(20.0, 45.0) if draw.random() < 0.35 else -60.0,
        "economizer_high_f": draw.uniform(55.0, 76.0),
    }


def _coils(draw: np.random.Generator) -> dict[str, float]:
    return {
        "heating_behind": float(draw.random() < 0.4),
        "cooling_size": _between(draw, 0.45, 1.6),
        "water_flow": draw.uniform(0.5, 1.3),
        "water_t": draw.uniform(5.0, 10.5),
        "rangeability": _between(draw, 2.0, 40.0),
        "authority": draw.uniform(0.2, 1.0),
        "heating_t": draw.uniform(42.0, 85.0),
        "heating_size": draw.uniform(0.2, 0.75),
        "heating_exponent": draw.uniform(0.5, 2.0),
    }


def _loops(draw: np.random.Generator) -> dict[str, float]:
    """From sluggish to close to hunting."""
    return {
        "valve_gain": 0.015 * _between(draw, 0.35, 3.0),
        "preheat_gain": 0.006 * _between(draw, 0.35, 3.0),
        "damper_gain": 0.010 * _between(draw, 0.35, 3.0),
    }


def _multi_zone(draw: np.random.Generator) -> dict[str, float]:
    reset = float(draw.choice([d.FIXED, d.OUTDOOR, d.ZONES_DEMAND], p=[0.45, 0.25, 0.30]))
    low = draw.uniform(51.0, 62.0 if reset == d.FIXED else 58.0)
    dead_band = draw.uniform(0.5, 6.0)
    cold = draw.uniform(30.0, 50.0)
    return {
        "shut_off": draw.uniform(1000.0, 1800.0),
        "static_inwg": draw.uniform(1.0, 1.6),
        "slowest_fan": draw.uniform(0.2, 0.5),
        "holds_mixed": float(draw.random() < 0.35),
        "reset": reset,
        "supply_f": low,
        "supply_most_f": low + draw.uniform(4.0, 14.0),
        "reset_low_f": cold,
        "reset_high_f": cold + draw.uniform(12.0, 35.0),
        "heat_f": low - dead_band,
        "dead_band_f": dead_band,
    }


def _single_zone(draw: np.random.Generator, *, varies: bool) -> dict[str, float]:
    reset = float(draw.choice([d.THERMOSTAT, d.FIXED, d.OUTDOOR], p=[0.75, 0.15, 0.10]))
    low, fastest = draw.uniform(49.0, 60.0), draw.uniform(0.6, 1.0)
    thermostat = reset == d.THERMOSTAT
    dead_band = draw.uniform(0.5, 8.0)
    values = {
        "single_zone": 1.0,
        "shut_off": draw.uniform(500.0, 1500.0),
        "fan": d.DEMAND if varies else d.CONSTANT,
        "slowest_fan": fastest * draw.uniform(0.3, 0.7),
        "fastest_fan": fastest,
        "holds_mixed": float(draw.random() < 0.2),
        "reset": reset,
        "supply_f": low,
        "supply_most_f": low + (draw.uniform(8.0, 34.0) if thermostat else draw.uniform(4.0, 14.0)),
        "heat_f": draw.uniform(45.0, 66.0) if thermostat else low - dead_band,
        "heat_most_f": draw.uniform(75.0, 105.0),
        "dead_band_f": dead_band,
    }
    return {**values, **_reset_limits(draw)}


def _reset_limits(draw: np.random.Generator) -> dict[str, float]:
    cold = draw.uniform(30.0, 50.0)
    return {"reset_low_f": cold, "reset_high_f": cold + draw.uniform(12.0, 35.0)}


def as_row(unit: DrawnUnit) -> dict[str, Any]:
    """What units.csv tells of a unit: plain values."""
    facts = {
        "unit": unit.name,
        "kind": unit.kind,
        "start": str(unit.start),
        "one_set_point": unit.one_set_point,
        "step_minutes": unit.step,
        "opens": round(unit.opens, 2),
        "closes": round(unit.closes, 2),
        "weekends": unit.weekends,
        "warmer_k": round(unit.warmer, 2),
        "swing": round(unit.swing, 3),
        "sensor_offsets_f": " ".join(f"{offset:.2f}" for offset in unit.offsets),
    }
    design = unit.design
    return facts | {name: round(float(design[name]), 4) for name in d.DESIGN.names or ()}
