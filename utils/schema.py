"""What plain values read from a file must be, before anything relies on them.

A rule is a function of a value and of the name of its place, which raises UserError where the value does not fit.
"""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from utils.errors import UserError
from utils.safe_reading import one_line

Rule = Callable[[Any, str], None]
LONGEST = 1_000_000  # letters of a text
MOST = 1_000_000  # entries of a list or names of a mapping
_SHOWN = 40  # letters of a value in a message


def misfit(value: Any, where: str, wanted: str) -> UserError:
    """The error for a value that is not what is wanted."""
    shown = one_line(repr(value)[: _SHOWN + 1])
    return UserError(f"{where} is {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'}, not {wanted}")


def number(least: float = -math.inf, most: float = math.inf, *, whole: bool = False) -> Rule:
    """A finite number within limits."""
    limits = "" if least == -math.inf and most == math.inf else f" from {least:g} to {most:g}"
    wanted = ("a whole number" if whole else "a number") + limits

    def rule(value: Any, where: str) -> None:
        kinds = int if whole else int | float
        # Comparing before anything else: a whole number may be too large to become a float.
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            raise misfit(value, where, wanted)
        if isinstance(value, float) and not math.isfinite(value):
            raise misfit(value, where, wanted)

    return rule


def text(longest: int = LONGEST) -> Rule:
    """A text that can be written as UTF-8."""

    def rule(value: Any, where: str) -> None:
        if not isinstance(value, str) or len(value) > longest or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise misfit(value, where, f"a text of at most {longest} letters")

    return rule


def truth(value: Any, where: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise misfit(value, where, "true or false")


def anything(value: Any, where: str) -> None:
    """Whatever is there."""


def one_of(known: Collection[Any]) -> Rule:
    """One of some texts."""

    def rule(value: Any, where: str) -> None:
        if not isinstance(value, str) or value not in known:
            raise misfit(value, where, f"one of: {', '.join(map(str, known))}")

    return rule


def maybe(inner: Rule) -> Rule:
    """Null, or what another rule says."""
    return lambda value, where: None if value is None else inner(value, where)


def several(inner: Rule, length: int | None = None, *, least: int = 0, most: int = MOST, unique: bool = False) -> Rule:
    """A list, of a given length if that is known."""

    def rule(value: Any, where: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise misfit(value, where, f"a list of {least} to {most} entries")
        if length is not None and len(value) != length:
            raise UserError(f"{where} has {len(value)} entries, not {length}")
        for place, entry in enumerate(value):
            inner(entry, f"{where}[{place}]")
        if unique and len(set(value)) < len(value):
            raise UserError(f"{where} names one thing twice")

    return rule


def mapping(
    needed: Mapping[str, Rule], optional: Mapping[str, Rule] | None = None, *, other: Rule | None = None
) -> Rule:
    """A mapping with these names; others are refused, or follow a rule of their own."""
    known = {**needed, **(optional or {})}

    def rule(value: Any, where: str) -> None:
        if not isinstance(value, Mapping) or len(value) > MOST:
            raise misfit(value, where or "it", "a mapping of names to values")
        prefix = f"{where}." if where else ""
        for name in needed:
            if name not in value:
                raise UserError(f"{where or 'it'} lacks '{name}'")
        for name, entry in value.items():
            inner = known.get(name, other)
            if inner is None:
                raise UserError(
                    f"{where or 'it'} has '{one_line(str(name))[:_SHOWN]}', which this version does not know"
                )
            inner(entry, f"{prefix}{one_line(str(name))[:_SHOWN]}")

    return rule


def fits(value: Any, rule: Rule, source: object, remedy: str) -> None:
    """Holds a value to a rule.

    Args:
        value: what was read.
        rule: what it must be.
        source: the file, for the message.
        remedy: what to do, for the message.

    Raises:
        UserError: in one line: the file, the place in it, what it is and what it must be.
    """
    try:
        rule(value, "")
    except UserError as error:
        raise UserError(f"{source}: {error}; {remedy}") from None
