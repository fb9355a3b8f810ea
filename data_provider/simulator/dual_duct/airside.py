"""Fans, ducts and mixing boxes of two decks that draw from one mixing plenum.

A deck's fan has a quadratic head curve; coil, duct, branch and box lose pressure by the square of the flow, so each
deck has a closed solution. How the plenum's flow is shared between the decks is that of a moment before.

Letters: flows in m3/s, pressures in Pa, speeds and openings 0 to 1; decks 0 cold, 1 hot.
"""

import math

import numpy as np

from data_provider.simulator.airside import damper, outdoor_damper, return_damper
from data_provider.simulator.compiled import compiled
from data_provider.simulator.dual_duct.records import COUNT
from data_provider.simulator.moist_air import Air, enthalpy_of, temperature_of

MOST = np.array([[0.36, 0.33, 0.33, 0.36], [0.20, 0.20, 0.20, 0.20]])  # m3/s of a box
LEAST = np.array([0.15, 0.20])  # of the most
DESIGN_FLOW = np.array([1.38, 0.80])
SHUT_OFF = np.array([1100.0, 1000.0])  # Pa at full speed without flow
FAN_LOSS = np.array([80.0, 210.0])  # Pa/(m3/s)^2 inside the fan's head curve
COIL_LOSS = np.array([45.0, 90.0])  # of a clean coil
DUCT_LOSS = np.array([60.0, 140.0])  # of filter and duct before the static-pressure sensor
EFFICIENCY = 0.5  # of fan, motor and drive
MIXING_LOSS = 8.0  # of the mixing plenum whose dampers together are open
BRANCH = MOST / math.sqrt(60.0)  # m3/s at 1 Pa, from the sensor to a box
OPEN_BOX = MOST / math.sqrt(200.0)  # m3/s at 1 Pa, a box's damper open
BOX_LEAK = 0.02
RETURN_HEAD, RETURN_EFFICIENCY, RETURN_SHARE = 260.0, 0.5, 0.9  # Pa at full speed; of the supply


@compiled
def box_damper(deck: int, room: int, opening: float) -> float:
    """m3/s at 1 Pa of a mixing box's damper alone."""
    return OPEN_BOX[deck, room] * damper(opening, BOX_LEAK, 1.3)


@compiled
def way(deck: int, room: int, opening: float) -> float:
    """m3/s at 1 Pa from a deck's pressure sensor through branch and damper into a room."""
    own, branch = box_damper(deck, room, opening), BRANCH[deck, room]
    return own * branch / math.sqrt(own * own + branch * branch)


@compiled
def ways(state, deck: int) -> float:
    """m3/s at 1 Pa from a deck's sensor into all rooms."""
    total = 0.0
    for room in range(COUNT):
        total += way(deck, room, state.box[deck, room])
    return total


@compiled
def deck_fan(deck: int, speed: float, open_ways: float, plenum: float, clean: float) -> tuple[float, float, float]:
    """Flow, static pressure at the sensor and head of a deck's fan.

    Args:
        deck: 0 or 1.
        speed: of the fan.
        open_ways: what `ways` says.
        plenum: Pa/(m3/s)^2 that the mixing plenum takes, for this deck's own flow.
        clean: share of the coil's free way that is left, which fouling narrows.
    """
    loss = FAN_LOSS[deck] + COIL_LOSS[deck] / (clean * clean) + DUCT_LOSS[deck] + plenum
    static = SHUT_OFF[deck] * speed * speed / (1.0 + loss * open_ways * open_ways)
    flow = open_ways * math.sqrt(static)
    return flow, static, SHUT_OFF[deck] * speed * speed - FAN_LOSS[deck] * flow * flow


@compiled
def plenum_loss(design, state, deck: int) -> float:
    """Pa/(m3/s)^2 that the mixing plenum takes, which both decks' air passes, for a deck's own flow."""
    both = outdoor_damper(design, state.outdoor) + return_damper(design, state.returned)
    own, total = state.flow[deck].sum(), state.flow.sum()
    times = total / own if own > 0.0 else DESIGN_FLOW.sum() / DESIGN_FLOW[deck]
    return MIXING_LOSS * (min(times, 10.0) / both) ** 2


@compiled
def return_air(speed: float, supply: float, recirculated: float) -> tuple[float, float, float]:
    """Return flow, never below what recirculates, the fan's head and its power in W."""
    flow = max(RETURN_SHARE * supply, recirculated)
    head = RETURN_HEAD * speed * speed
    return flow, head, head * flow / RETURN_EFFICIENCY


@compiled
def blend(air: Air, m1: float, t1: float, w1: float, m2: float, t2: float, w2: float) -> tuple[float, float]:
    """Temperature and humidity of m1 and m2 kg/s of air together."""
    total = m1 + m2
    if total <= 0.0:
        return t1, w1
    w = (m1 * w1 + m2 * w2) / total
    return temperature_of(air, (m1 * enthalpy_of(air, t1, w1) + m2 * enthalpy_of(air, t2, w2)) / total, w), w
