"""The role map that `doctor` writes or brings up to date: one for a file, or for all units of a folder."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from data_provider.trends.files import TrendFile
from data_provider.trends.guess import columns_of, guess
from data_provider.trends.opened import OpenTrend
from data_provider.trends.problems import Unusable
from data_provider.trends.request import Request
from data_provider.trends.role_map import Content, kept, updated, written
from data_provider.trends.roles import Roles, roles_in
from data_provider.trends.unit_templates import templates
from utils.errors import UserError
from utils.files import write_text
from utils.options import Options
from utils.safe_reading import read_bounded

ROLE_MAP = "roles.yaml"
_LARGEST = 2**20  # bytes of a role map
_MOST_FILES = 100  # whose names of points are compared


def target_of(options: Options) -> Path | None:
    """Where the role map goes; None where the user has one already and asks for no other."""
    if options.roles and options.output is None:
        return None
    target = Path(options.output or ROLE_MAP).expanduser()
    return target / ROLE_MAP if target.is_dir() else target


def write_map(found: Sequence[TrendFile], request: Request, target: Path) -> bool:
    """Writes a role map for files, or brings the one that is there up to date, and says so.

    Args:
        found: the files of all units.
        request: how they are read.
        target: the map.

    Returns:
        Whether there is a map now; there is none where no file can be read at all.

    Raises:
        UserError: what is there is no role map, or it cannot be written.
    """
    old = _text(target)
    given = _joint(request.roles, _by_hand(old, request, target))
    asked = dataclasses.replace(request, roles=given)
    names = _names(found, asked)
    if not names:
        return False
    content = _content(names, asked, updates=old is not None)
    text = written(content) if old is None else updated(old, content)
    try:
        write_text(target, text)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror}); name another with --output") from None
    unsure = sum(1 for one in content.guesses if one.doubt)
    still_open = sum(1 for one in content.guesses if one.place is None)
    settled = len(request.signals) - unsure - still_open
    state = "" if old is None else "brought up to date, "
    print(f"role map: {target} ({state}{settled} settled, {unsure} to check, {still_open} open)")
    return True


def _content(names: dict[TrendFile, list[str]], request: Request, *, updates: bool) -> Content:
    """Guesses for the unit with most points; with `updates` none for what a person has settled."""
    entry = max(names, key=lambda file: len(names[file]))
    origins, columns, times = columns_of(OpenTrend(entry, request), request)
    guesses = guess(request.signals, origins, columns, times=times, working_column=request.working_column)
    settled = {*request.roles.entries} if request.roles and updates else set()
    forms = templates([column.name for column in columns.values()], [names[other] for other in names if other != entry])
    return Content(
        guesses=[one for one in guesses if one.signal.column not in settled],
        columns=columns,
        names={place: forms[column.name] for place, column in columns.items()},
        file=entry.name if len(names) == 1 else f"{len(names)} units, the readings are those of {entry.name}",
        times=times,
        time_column=request.roles.time_column if request.roles and not updates else None,
        units=len(names),
    )


def _text(target: Path) -> str | None:
    """What is there already.

    Raises:
        UserError: it is no text.
    """
    if not target.exists():
        return None
    try:
        return read_bounded(target, largest=_LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{target} is no role map; name another file with --output") from None


def _by_hand(old: str | None, request: Request, target: Path) -> Roles | None:
    """What a person has settled in a role map."""
    text = kept(old) if old else ""
    if all(line.lstrip().startswith("#") or not line.strip() for line in text.splitlines()):
        return None
    return roles_in(text.encode(), target, columns=request.columns, units=request.units)


def _joint(given: Roles | None, own: Roles | None) -> Roles | None:
    """Two maps as one; the second wins."""
    if given is None or own is None:
        return own or given
    return dataclasses.replace(
        own, entries={**given.entries, **own.entries}, time_column=own.time_column or given.time_column
    )


def _names(found: Sequence[TrendFile], request: Request) -> dict[TrendFile, list[str]]:
    """The names of points in files, of those that can be read at all."""
    names = {}
    for entry in found[:_MOST_FILES]:
        try:
            source = OpenTrend(entry, request, rows=1)
        except Unusable:
            continue
        named = [name for place, name in enumerate(source.names) if place not in source.time and name.strip()]
        if named:
            names[entry] = named
    return names
