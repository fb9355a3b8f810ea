"""What a point of an air-handling unit is, by any of its names: the data set's own, Brick's, Haystack's.

The names stand in role_names.yaml. Points are compared as sets of words, so that the order of Haystack's tags, case,
underscores, a unit's number before the name and common abbreviations of single words do not matter.
"""

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TABLE = Path(__file__).with_name("role_names.yaml")
# Points that show that a supply fan runs, the surest first, and from which share of their largest reading on.
FAN_SHOWS = {"SF_SPD_DM": 0.5, "SF_SPD": 0.05, "SF_CS": 0.05, "SF_WAT": 0.05, "SA_CFM": 0.05, "SA_SP": 0.1}
Words = frozenset[str]


@dataclass(frozen=True)
class Role:
    """What a point is.

    Attributes:
        name: as in the single-duct data set, for example "SA_TEMP".
        quantity: "temperature", "flow", "pressure", "fraction", "power" or "state".
        kind: "sensor", "setpoint", "command", "position", "status" or "mode".
        usual: (low, high) in the table's unit of the quantity, None where readings tell nothing.
    """

    name: str
    quantity: str
    kind: str
    usual: tuple[float, float] | None


@dataclass(frozen=True)
class _Names:
    """The whole table, ready to be asked."""

    roles: dict[str, Role]
    numbered: set[str]
    full: dict[Words, str]
    short: dict[str, str]


def role_of(name: str) -> Role | None:
    """The role that a name stands for: a role's own name, a Brick class, a set of Haystack tags or another full name.

    Abbreviations as DAT are not among them: they mean something else elsewhere. `short_role_of` knows them.
    """
    table = _table()
    own = _plain(name)
    if own in table.roles:
        return table.roles[own]
    number = re.search(r"_(\d+)$", own)
    if number and own[: number.start()] in table.numbered:
        return _numbered(own[: number.start()], number[1])
    words = words_of(name)
    found = table.full.get(words)
    if found:
        return table.roles[found]
    digits = [word for word in words if word.isdigit()]
    found = table.full.get(words - {*digits})
    if found and len(digits) == 1:
        return _numbered(found, digits[0]) if found in table.numbered else None
    return None


def short_role_of(name: str) -> Role | None:
    """The role that an abbreviation usually stands for, as DAT for the supply air's temperature."""
    table = _table()
    key = _squeezed(re.sub(r"^.*?(ahu|rtu)[\s_-]*\d*[\s:._/-]+", "", name.strip(), flags=re.IGNORECASE))
    found = table.short.get(key)
    if found:
        return table.roles[found]
    number = re.search(r"\d+$", key)
    found = table.short.get(key[: number.start()]) if number else None
    return _numbered(found, number[0]) if number and found in table.numbered else None


def words_of(name: str) -> Words:
    """The words of a name after synonyms, without those that say nothing about the point."""
    content = _content()
    schema = re.search(r"^brick:|^.*[#]", name.strip())
    text = name.strip()[schema.end() :] if schema else name
    text = re.sub(r"\b(ahu|rtu)[\s_-]*\d+", " ", text, flags=re.IGNORECASE)
    text = re.sub(r"set[\s_-]*point", "setpoint", re.sub(r"([a-z])([A-Z])", r"\1 \2", text), flags=re.IGNORECASE)
    words = re.findall(r"[a-z]+|\d+", text.casefold())
    return frozenset(content["words"].get(word, word) for word in words) - frozenset(content["ignored"])


def known_roles() -> list[str]:
    """The names of all roles of which a unit has one."""
    table = _table()
    return [name for name in table.roles if name not in table.numbered]


def is_temperature(name: str) -> bool:
    """Whether a role is a temperature."""
    role = role_of(name)
    return role is not None and role.quantity == "temperature"


def words_of_role(role: Role) -> str:
    """A role in words, as "supply fan power"."""
    number = "" if role.name in _table().roles else " " + role.name.rpartition("_")[2]
    return full_names(role.name)[0].casefold() + number


def full_names(name: str) -> list[str]:
    """The names that a role goes by, abbreviations aside; the first is the one for people."""
    entry = _content()["roles"][re.sub(r"_\d+$", "", name) if name not in _content()["roles"] else name]
    return [*entry["names"], *entry["brick"], *entry["haystack"]]


def _plain(name: str) -> str:
    return name.strip().upper()


def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _numbered(stem: str | None, number: str) -> Role:
    role = _table().roles[str(stem)]
    return Role(f"{stem}_{int(number)}", role.quantity, role.kind, role.usual)


@functools.lru_cache(maxsize=1)
def _content() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return content


@functools.lru_cache(maxsize=1)
def _table() -> _Names:
    table = _Names({}, set(), {}, {})
    for name, entry in _content()["roles"].items():
        usual = tuple(entry["usual"]) if "usual" in entry else None
        table.roles[name] = Role(name, entry["quantity"], entry["kind"], usual)
        if entry.get("numbered"):
            table.numbered.add(name)
        for alias in [*entry["brick"], *entry["haystack"], *entry["names"]]:
            words = words_of(alias)
            if table.full.setdefault(words, name) != name:
                raise AssertionError(f"{TABLE.name}: '{alias}' names both {table.full[words]} and {name}")
        for alias in entry.get("short", ()):
            table.short[_squeezed(alias)] = name
    return table
