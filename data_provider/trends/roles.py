"""The role map: a YAML file by which a person says which column of a file is which of the model's, and in what unit.

# role (the model's column): the file's column and its unit
SA_TEMP: {column: "AHU-1 Discharge Air Temp", unit: F}
RA_TEMP: {column: "AHU-{unit} Return Air Temp"}   # one map for many units: {unit} is what stands there in each file
SYS_CTL: {column: Mode, states: {Standby: 0}}  # what words mean that are not known
time: {column: "Trend Time"}        # only where the column of times has an unusual name
"""

import difflib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from data_provider.trends.problems import Unusable, listed
from data_provider.trends.role_names import role_of
from data_provider.trends.unit_templates import UNIT, unit_of
from data_provider.trends.units import Unit, find_unit, known_unit
from utils.errors import UserError
from utils.plain_yaml import load_plain
from utils.safe_reading import one_line, read_bounded

logger = logging.getLogger(__name__)

TIME = "time"
_LARGEST = 2**20  # bytes: a line a point, and no file has more than some thousands
_MOST_ROLES = 20_000
_LARGEST_READING = 1e30


@dataclass(frozen=True)
class Entry:
    """A line of the map.

    Attributes:
        column: the file's column.
        unit: its unit, None where the map does not say.
        states: words in it, in lower case -> what they read.
    """

    column: str
    unit: Unit | None
    states: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Roles:
    """A role map.

    Attributes:
        source: the YAML file, for messages.
        entries: the model's column -> the file's.
        time_column: the column of times, None to find it by its name.
    """

    source: str
    entries: dict[str, Entry]
    time_column: str | None = None

    def of_unit(self, names: Sequence[str], file: str) -> "Roles":
        """The map of one unit: with its name for {unit}, as the columns of its file show it.

        Raises:
            Unusable: several units fit.
        """
        forms = [entry.column for entry in self.entries.values() if UNIT in entry.column]
        if not forms:
            return self
        units = unit_of(forms, names, Path(file).name)
        if len(units) > 1:
            what = f"{UNIT} in {self.source} may be {listed(units)}"
            raise Unusable(what, "take the units apart with --unit_from prefix, or write a map without it")
        if not units:
            return self
        entries = {role: replace(e, column=e.column.replace(UNIT, units[0])) for role, e in self.entries.items()}
        return replace(self, entries=entries)


def read_roles(path: Path, *, columns: Sequence[str] | None = None, units: Sequence[str] = ()) -> Roles:
    """Reads a role map; for the arguments and errors see `roles_in`.

    Raises:
        UserError: it is no such file.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; python run.py doctor --input FILE --run RUN writes a first role map")
    if path.stat().st_size > _LARGEST:
        raise UserError(f"{path}: larger than {_LARGEST // 2**20} MiB, so it is not a role map")
    return roles_in(read_bounded(path, largest=_LARGEST), path, columns=columns, units=units)


def roles_in(stored: bytes, path: Path, *, columns: Sequence[str] | None = None, units: Sequence[str] = ()) -> Roles:
    """The role map that a text holds.

    Args:
        stored: YAML.
        path: where it stands, for messages.
        columns: the model's columns. The map may also call them by a Brick class or by Haystack's tags, and may name
            known points that the model does not use. Without them, as for training, a role may be any name.
        units: the model's units, "" where unknown.

    Raises:
        UserError: it is no role map, or names an unknown role or unit; the message lists those known.
    """
    content = _load(stored, path)
    entries: dict[str, Entry] = {}
    time_column, unused = None, []
    for key, value in content.items():
        where = f"{path}: {key}"
        if str(key).casefold() == TIME and value in ({"column": ""}, {"column": None}):
            time_column = ""  # a column without a name
            continue
        column, word, states = _entry(value, where)
        if str(key).casefold() == TIME:
            time_column = column
            continue
        role = str(key).strip() if columns is None else _known_role(str(key), columns)
        if role is None and role_of(str(key)) is not None:
            unused.append(str(key))
            continue
        if role is None:
            raise _unknown_role(str(key), columns or (), path)
        if role in entries:
            raise UserError(f"{where}: {role} is there twice; keep one")
        unit = known_unit(word, where) if word else None
        model_unit = find_unit(units[list(columns).index(role)]) if columns is not None else None
        _check_quantity(unit, model_unit, role, where)
        entries[role] = Entry(column, unit, states)
    if unused and not entries:
        raise _unknown_role(unused[0], columns or (), path)
    if unused:
        logger.debug("%s: the model has no %s", path, ", ".join(unused))
    if not entries and time_column is None:
        names = ", ".join(columns or ())
        raise UserError(f"{path}: it names no role" + (f"; choose from: {names}" if names else ""))
    return Roles(source=str(path), entries=entries, time_column=time_column)


def _load(stored: bytes, path: Path) -> dict[Any, Any]:
    try:
        content = load_plain(stored, once=True)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        reason = one_line(str(error))[:120]
        form = '"AHU-{unit} SAT"' if UNIT.encode() in stored else "NAME"  # braces must stand in quotes
        raise UserError(
            f"{path}: cannot be read as YAML ({reason}); write 'ROLE: {{column: {form}, unit: F}}'"
        ) from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: it holds no roles; write 'ROLE: {{column: NAME, unit: F}}', a line for each")
    if len(content) > _MOST_ROLES:
        raise UserError(f"{path}: it names {len(content)} roles, more than {_MOST_ROLES}; name the right file")
    return content


def _entry(value: Any, where: str) -> tuple[str, str, dict[str, float]]:
    """The file's column, the word for its unit, "" if there is none, and what words in it mean."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value), "", {}
    if not isinstance(value, dict) or "column" not in value or value["column"] in (None, ""):
        raise UserError(f"{where}: write it as {{column: NAME, unit: F}}")
    unknown = [str(key) for key in value if key not in ("column", "unit", "states")]
    if unknown:
        raise UserError(f"{where}: unknown word '{unknown[0]}'; only column, unit and states are known")
    column, unit = value["column"], value.get("unit")
    if not isinstance(column, str | int | float) or not isinstance(unit, str | int | float | None):
        raise UserError(f"{where}: column and unit are a name each; write it as {{column: NAME, unit: F}}")
    return str(column), "" if unit is None else str(unit).strip(), _states(value.get("states", {}), where)


def _states(value: Any, where: str) -> dict[str, float]:
    """Words in lower case -> what they read. YAML takes a bare on, off, yes and no for true and false."""
    if not isinstance(value, dict) or not all(_is_reading(reading) for reading in value.values()):
        raise UserError(f"{where}: write states as {{Standby: 0, Boost: 1}}")
    return {str(word).strip().casefold(): float(reading) for word, reading in value.items()}


def _is_reading(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < _LARGEST_READING


def _known_role(key: str, columns: Sequence[str]) -> str | None:
    """The model's column that a key means: by name, or by the role that both names stand for; None for none."""
    same = [column for column in columns if column.casefold() == key.strip().casefold()]
    role = role_of(key)
    if not same and role is not None:
        found = [other for other in columns if (its := role_of(other)) is not None and its.name == role.name]
        same = found if len(found) == 1 else []
    return same[0] if same else None


def _unknown_role(key: str, columns: Sequence[str], path: Path) -> UserError:
    close = difflib.get_close_matches(key, columns, 1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return UserError(f"{path}: unknown role '{key}'{hint}; choose one of: {', '.join(columns)}")


def _check_quantity(unit: Unit | None, model_unit: Unit | None, column: str, where: str) -> None:
    role = role_of(column)
    quantity = model_unit.quantity if model_unit else role.quantity if role else None
    if unit is not None and quantity is not None and unit.quantity != quantity:
        raise UserError(
            f"{where}: {unit.name} measures {unit.quantity}, and {column} is a {quantity}; correct the unit"
        )
