"""What rules must know of a unit beside its trends, with what is inferred from them.

Letters: T readings.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from models.rules.points import UnitPoints

USUAL_MINIMUM = 0.2  # of the damper, where nothing tells it
_WARMER_F = 2.0  # outdoor air this much warmer than return air leaves the damper at its minimum
_HEATS = 0.05  # a heating valve open further than this does so too
_FEWEST = 0.03  # share of the working time that must tell the minimum, and
_HOURS = 2.0  # hours
_PLATEAU = 0.3  # of that time the damper must be at one command
_HIGHEST = 0.75  # a damper held further open is not at its minimum


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Of a unit. Defaults are those of ASHRAE Guideline 36-2021, section 5.16.14, in F, in. w.g. and shares.

    The minimum damper position has no published default; APAR (NISTIR 7365, 2006) and Guideline 36 take it from the
    unit's design, and `infer` from its trends.

    Attributes:
        minimum_damper: command of the outdoor-air damper at minimum position.
        minimum_fraction: design minimum of the outdoor-air fraction; None to take the minimum damper position for it.
        inferred: names of the parameters that trends told; all others are defaults, or were given.
        fan_rise: F by which the supply fan warms the air.
        return_fan_rise: F, of the return fan.
        apart: F by which outdoor and return air must differ before a fraction is computed.
        supply, mixed, outdoor, returned: F that these sensors may be off.
        pressure: in. w.g. that the sensor of duct static pressure may be off.
        speed: share that the speed of the supply fan may be off.
        fan_rules: whether rules of fan speed and duct pressure are evaluated. They are not unless asked for.
        fraction: share that an outdoor-air fraction may be off.
        valve: share below which a valve is shut; as much below 1 it is fully open.
        damper: the same of a damper.
        changes: of the operating state in an hour, at most.
        averaged, mode_delay, alarm_delay: minutes.
    """

    minimum_damper: float = USUAL_MINIMUM
    minimum_fraction: float | None = None
    inferred: frozenset[str] = frozenset()
    fan_rise: float = 2.0
    return_fan_rise: float = 0.0
    apart: float = 10.0
    supply: float = 2.0
    mixed: float = 5.0
    outdoor: float = 2.0
    returned: float = 2.0
    pressure: float = 0.1
    speed: float = 0.05
    fan_rules: bool = False
    fraction: float = 0.3
    valve: float = 0.02
    damper: float = 0.04
    changes: int = 7
    averaged: float = 5.0
    mode_delay: float = 30.0
    alarm_delay: float = 30.0

    @property
    def least_fraction(self) -> float:
        """The outdoor-air fraction at minimum damper position."""
        return self.minimum_damper if self.minimum_fraction is None else self.minimum_fraction

    def sources(self) -> dict[str, str]:
        """Parameter -> "inferred" from the trends, "default" as published, or "given" by someone."""
        plain = {field.name: field.default for field in dataclasses.fields(self) if field.name != "inferred"}
        unlike = {name for name, default in plain.items() if getattr(self, name) != default}
        return {
            name: "inferred" if name in self.inferred else "given" if name in unlike else "default" for name in plain
        }


def infer(points: UnitPoints) -> Parameters:
    """A unit's parameters, the minimum damper position from its own trends.

    While outdoor air is warmer than return air, or the unit heats, no sequence opens the damper beyond its minimum, so
    the command that is most frequent then is that minimum. Where such hours are too few, or the damper has no plateau
    in them, it stays the default, and `inferred` does not name it.

    Args:
        points: the unit's trends; a month or more tells most.
    """
    working, values = points.working, points.values
    damper = values.get("OA_DMPR_DM")
    if damper is None or not working.any():
        return Parameters()
    nothing = np.full(len(points.times), np.nan)
    with np.errstate(invalid="ignore"):
        warmer = values.get("OA_TEMP", nothing) > values.get("RA_TEMP", nothing) + _WARMER_F
        heats = values.get("HWC_VLV_DM", nothing) > _HEATS
    told = working & (warmer | heats) & ~np.isnan(damper)
    seconds = np.diff(points.times).astype("timedelta64[s]").astype(np.int64)
    step = float(np.median(seconds)) / 3600 if len(seconds) else 1.0
    if told.sum() * step < _HOURS or told.mean() < _FEWEST * working.mean():
        return Parameters()
    commands, number = np.unique(np.round(damper[told], 2), return_counts=True)
    most = commands[number.argmax()]
    near = np.abs(damper[told] - most) <= 0.02
    if near.mean() < _PLATEAU or most > _HIGHEST:
        return Parameters()
    return Parameters(minimum_damper=float(np.median(damper[told][near])), inferred=frozenset({"minimum_damper"}))
