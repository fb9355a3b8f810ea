"""Names of points with {unit} where the name of their unit stands: one role map for all units of a folder."""

import re
from collections import Counter
from collections.abc import Sequence

UNIT = "{unit}"
_ASKED, _COMPARED = 12, 400  # names of a file that are looked for among so many of another's
_MOST_TEMPLATES = 200  # of a role map, by which a unit's name is found


def templates(names: Sequence[str], others: Sequence[Sequence[str]]) -> dict[str, str]:
    """Name of a point -> that name with {unit} for the unit, as other units' names of the same point show it.

    A name that other units have as it is, or that nothing is like, stays as it is.
    """
    votes: dict[str, Counter[str]] = {name: Counter() for name in names}
    units: Counter[str] = Counter()
    for other in others:
        pair = _differing(names, other)
        if pair is None:
            continue
        there = {*other}
        units[pair[0]] += 1
        for name in names:
            found = name if name in there else _template(name, *pair, there)
            if found is not None:
                votes[name][found] += 1
    forms = {name: count.most_common(1)[0][0] if count else name for name, count in votes.items()}
    heads = Counter(form[: form.index(UNIT)] for form in forms.values() if UNIT in form)
    if heads:
        head = heads.most_common(1)[0][0]
        before = head + units.most_common(1)[0][0]
        for name, count in votes.items():  # a point that only this unit has
            if not count and name.startswith(before) and len(name) > len(before):
                forms[name] = head + UNIT + name[len(before) :]
    return forms


def _differing(names: Sequence[str], other: Sequence[str]) -> tuple[str, str] | None:
    """What stands in names of one unit where another's have something else; None if they have nothing in common."""
    there, pairs = {*other}, Counter[tuple[str, str]]()
    for name in names[:_ASKED]:
        pairs.update({pair for against in other[:_COMPARED] if (pair := _pair(name, against)) is not None})
    some = [pair for pair, _ in pairs.most_common(5)]
    return max(
        some, key=lambda pair: sum(_template(name, pair[0], pair[1], there) is not None for name in names), default=None
    )


def _pair(name: str, other: str) -> tuple[str, str] | None:
    """Where two names differ, as whole numbers or words."""
    if name == other:
        return None
    begin, most = 0, min(len(name), len(other))
    while begin < most and name[begin] == other[begin]:
        begin += 1
    end = 0
    while end < most - begin and name[-1 - end] == other[-1 - end]:
        end += 1
    while begin and _same_kind(name[begin - 1], name[begin : len(name) - end], other[begin : len(other) - end], 0):
        begin -= 1
    while end and _same_kind(name[len(name) - end], name[begin : len(name) - end], other[begin : len(other) - end], -1):
        end -= 1
    first, second = name[begin : len(name) - end], other[begin : len(other) - end]
    return (first, second) if first and second and begin + end else None


def _same_kind(letter: str, first: str, second: str, at: int) -> bool:
    """Whether a letter beside two pieces goes on with the number or the word that one of them begins or ends with."""
    kinds = (str.isdigit, str.isalpha)
    return any(piece and kind(letter) and kind(piece[at]) for piece in (first, second) for kind in kinds)


def _template(name: str, unit: str, other: str, there: set[str]) -> str | None:
    """A name with {unit} where putting another unit makes it one of that unit's names."""
    for match in re.finditer(re.escape(unit), name):
        before, behind = name[: match.start()], name[match.end() :]
        if before + other + behind in there and before + behind:
            return before + UNIT + behind
    return None


def unit_of(forms: Sequence[str], names: Sequence[str], called: str = "") -> list[str]:
    """What {unit} stands for in a file, by the names that a role map gives its points.

    Args:
        forms: the map's names with {unit} in them.
        names: the file's columns.
        called: the file's own name, which decides between units that fit alike.

    Returns:
        The unit; none if no name fits, several if they fit alike.
    """
    count: Counter[str] = Counter()
    for form in [*dict.fromkeys(forms)][:_MOST_TEMPLATES]:
        pattern = pattern_of(form)
        count.update(dict.fromkeys(match["unit"] for name in names if (match := pattern.fullmatch(name))).keys())
    most = max(count.values(), default=0)
    best = sorted(unit for unit, number in count.items() if number == most)
    if len(best) > 1:
        best = [unit for unit in best if re.search(rf"(?<![^\W_]){re.escape(unit)}(?![^\W_])", called, re.I)] or best
    return best


def pattern_of(form: str) -> re.Pattern[str]:
    """What a name with {unit} in it matches, whatever stands behind it in brackets or after a comma."""
    first, *rest = (re.escape(part) for part in form.split(UNIT))
    text = first + "(?P<unit>.{1,200}?)" + "(?P=unit)".join(rest)
    return re.compile(text + r"(?:\s*[(\[,].*)?", re.IGNORECASE | re.DOTALL)
