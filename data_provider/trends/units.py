"""Units of trends: their names as exports write them, and the way from one to another.

Letters: T readings.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from utils.errors import UserError


@dataclass(frozen=True)
class Unit:
    """A unit: reading * factor + offset is the reading in its quantity's base unit.

    Attributes:
        name: how this program writes it.
        quantity: what it measures.
        factor, offset: to the base unit: C, L/s, Pa, W, or a share from 0 to 1.
        aliases: other spellings; case, blanks, dots and degree signs do not matter.
    """

    name: str
    quantity: str
    factor: float
    offset: float = 0.0
    aliases: tuple[str, ...] = ()


class Source(NamedTuple):
    """What a file calls a signal, and its unit there, None where nobody knows."""

    name: str
    unit: Unit | None


_ALL = (
    Unit("F", "temperature", 5 / 9, -160 / 9, ("degF", "deg F", "degrees F", "Fahrenheit", "degrees-fahrenheit")),
    Unit("C", "temperature", 1, 0, ("degC", "deg C", "degrees C", "Celsius", "centigrade", "degrees-celsius", "Cel")),
    Unit("K", "temperature", 1, -273.15, ("degK", "Kelvin", "degrees-kelvin")),
    Unit("CFM", "flow", 0.47194745, 0, ("ft3/min", "cu ft/min", "cubic-feet-per-minute", "scfm", "ft\u00b3/min")),
    Unit("L/s", "flow", 1, 0, ("lps", "l/sec", "litres/s", "liters/s", "liters-per-second", "dm3/s")),
    Unit("m3/h", "flow", 1 / 3.6, 0, ("m3/hr", "cmh", "cubic-meters-per-hour", "m\u00b3/h", "m\u00b3/hr")),
    Unit("m3/s", "flow", 1000, 0, ("cms", "cubic-meters-per-second", "m\u00b3/s")),
    Unit(
        "in. w.g.",
        "pressure",
        249.08891,
        0,
        ("in w.c.", "inH2O", "in H2O", "iwc", "iwg", "in/wc", "in/wg", '"wc', '"wg', '"H2O', "inches-of-water"),
    ),
    Unit("Pa", "pressure", 1, 0, ("pascal", "pascals")),
    Unit("hPa", "pressure", 100, 0, ("mbar", "millibar", "hectopascals")),
    Unit("kPa", "pressure", 1000, 0, ("kilopascals",)),
    Unit("psi", "pressure", 6894.757, 0, ("psig", "pounds-force-per-square-inch")),
    Unit("0-1", "fraction", 1, 0, ("fraction", "share", "0..1", "per unit", "pu")),
    Unit("0-10000", "fraction", 0.0001, 0, ("counts", "0..10000")),
    Unit("%", "fraction", 0.01, 0, ("percent", "pct", "0-100", "0..100", "0-100 %", "%open", "% open", "per-cent")),
    Unit("W", "power", 1, 0, ("watt", "watts")),
    Unit("kW", "power", 1000, 0, ("kilowatt", "kilowatts")),
    Unit("hp", "power", 745.69987, 0, ("horsepower", "bhp")),
    Unit("BTU/h", "power", 0.29307107, 0, ("btuh", "btu/hr", "btus-per-hour")),
    Unit("on/off", "state", 1, 0, ("0/1", "bool", "boolean", "binary", "status")),
)
UNITS = {unit.name: unit for unit in _ALL}

# The units that roles' plausible ranges are given in (role_names.yaml).
TABLE_UNITS = {"temperature": "F", "flow": "CFM", "pressure": "in. w.g.", "fraction": "0-1", "power": "W"}

# What no such sensor reads, whatever its role, in the units above: below and above it a reading is not a measurement.
POSSIBLE = {
    "temperature": (-60.0, 250.0),
    "flow": (-500.0, 1e6),
    "pressure": (-15.0, 25.0),
    "fraction": (-0.2, 1.2),
    "power": (-100.0, 2e6),
}


def _plain(word: str) -> str:
    return re.sub(r"[\s.\u00b0\u00ba_]", "", unicodedata.normalize("NFKC", word)).casefold()


_BY_WORD = {_plain(word): unit for unit in _ALL for word in (unit.name, *unit.aliases)}


def find_unit(word: str) -> Unit | None:
    """The unit that a word means, None if none is known by it."""
    return _BY_WORD.get(_plain(word))


def known_unit(word: str, where: str) -> Unit:
    """The unit that a word means.

    Raises:
        UserError: it means none; the message lists those known.
    """
    unit = find_unit(word)
    if unit is None:
        raise UserError(f"{where}: unknown unit '{word}'; choose one of: {', '.join(UNITS)}")
    return unit


def units_of(quantity: str) -> list[Unit]:
    """The units of a quantity."""
    return [unit for unit in _ALL if unit.quantity == quantity]


def convert(values: np.ndarray, source: Unit, target: Unit) -> np.ndarray:
    """(T,) readings in one unit to another of the same quantity; the same unit changes nothing."""
    if source.name == target.name:
        return values
    if source.quantity != target.quantity:
        raise ValueError(f"{source.name} and {target.name} measure different things")
    base = np.asarray(values, np.float64) * source.factor + source.offset
    return (base - target.offset) / target.factor


def interval(limits: tuple[float, float], quantity: str, unit: Unit) -> tuple[float, float]:
    """A range given in the table's unit of a quantity, in another unit."""
    low, high = convert(np.array(limits, np.float64), UNITS[TABLE_UNITS[quantity]], unit)
    return float(low), float(high)
