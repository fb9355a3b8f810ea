"""Which files are one unit: a file a day, a file a point, a unit's points in several files."""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from data_provider.trends.files import TrendFile
from data_provider.trends.header import Header
from data_provider.trends.joined import content_of, point_in
from data_provider.trends.point_names import unit_prefix
from data_provider.trends.problems import Unusable
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.text import TextFile

# What tells the files of one unit apart: a date, or the number of a part.
_DATE = r"(?:19|20)\d{2}[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?(?!\d)"
_PART = r"part[-_ ]?\d+|\(\d+\)|\d+[-_ ]?of[-_ ]?\d+"
_APART = re.compile(rf"[-_ .]*(?:(?<!\d){_DATE}|{_PART})", re.IGNORECASE)
_PARTITION = re.compile(r"^[A-Za-z_]\w*=")  # a folder of a partitioned data set, as unit=AHU-1
_TIMES = re.compile(r"^(?:year|month|day|date|dt|hour|week)=", re.IGNORECASE)


def files_of_units(files: Sequence[TrendFile], unit_from: str, options: ReadOptions) -> list[TrendFile]:
    """The files, with those of one unit as one.

    Args:
        files: in the order of their names.
        unit_from: "file" for a unit a file, "folder" for a unit a folder, "prefix" for what stands before the point in
            names of files or of points; "auto" to go by what the files show.
        options: how they are written.

    Returns:
        In the order of their names.
    """
    if unit_from == "file" or not files:
        return list(files)
    folders = defaultdict(list)
    for file in files:
        folders[_folder(file)].append(file)
    found: list[TrendFile] = []
    for folder, members in folders.items():
        if unit_from == "auto" and any(_PARTITION.match(part) for part in Path(members[0].name).parts[:-1]):
            found.append(_one(folder, folder.name.rpartition("=")[2] or "trends", members))
        elif unit_from == "folder":
            found += [_one(folder, folder.name or members[0].path.parent.name, members)]
        elif unit_from == "prefix":
            found += _by_prefix(folder, members, options)
        else:
            found += _as_they_show(folder, members, options)
    return sorted(found, key=lambda file: file.name)


def _folder(file: TrendFile) -> Path:
    """The folder of a unit; one that stands for a time, as month=7 in a partitioned data set, is passed over."""
    parts = Path(file.name).parent.parts
    return Path(*[part for part in parts if not _TIMES.match(part)])


def _one(folder: Path, name: str, members: Sequence[TrendFile]) -> TrendFile:
    """The files of a unit as one; a single one stays what it is."""
    if len(members) == 1:
        return members[0]
    return TrendFile(members[0].path.parent / name, (folder / name).as_posix(), parts=tuple(members))


def _as_they_show(folder: Path, members: Sequence[TrendFile], options: ReadOptions) -> list[TrendFile]:
    if len(members) == 1:
        return list(members)
    first = _header(members[0], options)
    if first is not None and point_in(first) is not None:
        headers = [_header(member, options) for member in members]
        if all(header is not None and point_in(header) is not None for header in headers):
            return _points(folder, members)
    families = defaultdict(list)
    for member in members:
        families[_APART.sub("", member.stem)].append(member)
    found = []
    for stem, family in families.items():
        if len(family) > 1 and _alike(family, options):
            found.append(_one(folder, stem.rstrip(" _-.") or members[0].path.parent.name, family))
        else:
            found += family
    return found


def _points(folder: Path, members: Sequence[TrendFile]) -> list[TrendFile]:
    """Units of files that hold a point each."""
    by_prefix = defaultdict(list)
    for member in members:
        by_prefix[unit_prefix(member.stem)].append(member)
    if "" in by_prefix:
        return [_one(folder, folder.name or members[0].path.parent.name, members)]
    return [_one(folder, prefix, some) for prefix, some in by_prefix.items()]


def _by_prefix(folder: Path, members: Sequence[TrendFile], options: ReadOptions) -> list[TrendFile]:
    """A unit for each prefix of points within a file, else for each prefix of the files' names."""
    found, rest = [], []
    for member in members:
        header = _header(member, options, rows=None)  # each row of a file may name another point
        units = sorted({unit_prefix(name) for name in header.names} - {""}) if header else []
        if len(units) > 1:
            found += [dataclasses.replace(member, name=f"{member.name}:{unit}", prefix=unit) for unit in units]
        else:
            rest.append(member)
    by_prefix = defaultdict(list)
    for member in rest:
        by_prefix[unit_prefix(member.stem) or member.stem].append(member)
    return found + [_one(folder, prefix, some) for prefix, some in by_prefix.items()]


def _alike(family: Sequence[TrendFile], options: ReadOptions) -> bool:
    """Whether files hold the same columns and begin at different times, or share no column."""
    names: list[set[str]] = []
    starts: list[str] = []
    for member in family:
        try:
            content = content_of(member, options, rows=1)
        except Unusable:
            continue
        header = content.header
        names.append({name for place, name in enumerate(header.names) if place not in header.time and name})
        if isinstance(content, TextFile) and header.time:
            times = content.joined_times(content.words(header.time))
            starts += times[:1].to_pylist() if times is not None else []
    same = all(some == names[0] for some in names) and len({*starts}) == len(starts)
    return bool(names) and (same or sum(map(len, names)) == len(set().union(*names)))


def _header(file: TrendFile, options: ReadOptions, *, rows: int | None = 1) -> Header | None:
    """The header of a file, None where it cannot be read."""
    try:
        return content_of(file, options, rows=rows).header
    except Unusable:
        return None
