"""YAML that a person writes by hand: scalars, lists and mappings, read within bounds.

Aliases, tags and deep nesting are what turn a small file into a large or endless value. Times are left as text.
"""

from collections.abc import Callable
from typing import Any

import yaml

from utils.errors import UserError

MOST_SCALARS = 50_000
DEEPEST = 8
LONGEST_NUMBER = 40  # letters; Python refuses to read whole numbers of thousands of digits
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is installed


class PlainLoader(_Base):
    """Scalars are text, numbers, true, false and null; a mapping has each key once."""

    once = True


class _LastWins(PlainLoader):
    once = False


class WordsLoader(PlainLoader):
    """Every scalar is the text that stands there: `no` is a name, and 2018-01-01 too."""


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise UserError(f"line {line}: a name is a single word, not a list or a mapping")
        key = loader.construct_object(key_node)
        if loader.once and key in found:
            raise UserError(f"line {line}: '{key}' is there twice; keep one")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _number(construct: Callable[[Any, Any], Any]) -> Callable[[Any, yaml.ScalarNode], Any]:
    def short(loader: Any, node: yaml.ScalarNode) -> Any:
        if len(node.value) > LONGEST_NUMBER:
            raise UserError(f"line {node.start_mark.line + 1}: a number has {len(node.value)} digits; write it shorter")
        try:
            return construct(loader, node)
        except ValueError:  # as 1_ or 0b
            return node.value

    return short


_TAG = "tag:yaml.org,2002:"
PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in entries if tag != f"{_TAG}timestamp"]
    for first, entries in _Base.yaml_implicit_resolvers.items()
}
PlainLoader.add_constructor(f"{_TAG}map", _mapping)
PlainLoader.add_constructor(f"{_TAG}int", _number(yaml.SafeLoader.construct_yaml_int))
PlainLoader.add_constructor(f"{_TAG}float", _number(yaml.SafeLoader.construct_yaml_float))
WordsLoader.yaml_implicit_resolvers = {}
for _kind in ("binary", "timestamp", "omap", "pairs", "set"):
    PlainLoader.add_constructor(f"{_TAG}{_kind}", yaml.SafeLoader.construct_undefined)


def load_plain(content: bytes, *, once: bool = False, words: bool = False) -> Any:
    """What a YAML text holds.

    Args:
        content: UTF-8, with or without a byte order mark.
        once: refuse a name that a mapping has twice, instead of taking its last value.
        words: every scalar is text, and a name stands once.

    Raises:
        UserError: it has an alias, a name twice, or is too large; without the file's name.
        yaml.YAMLError: it is not YAML.
        UnicodeDecodeError: it is not UTF-8.
    """
    text = content.decode("utf-8-sig")
    _within_bounds(text)
    return yaml.load(text, WordsLoader if words else PlainLoader if once else _LastWins)


def _within_bounds(text: str) -> None:
    """Raises UserError at the first thing that a plain file does not have, before any value is made."""
    depth = scalars = 0
    for event in yaml.parse(text, _Base):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise UserError(f"line {line}: it has an alias (*{event.anchor}); write the value out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent):
            scalars += 1
        if depth > DEEPEST:
            raise UserError(f"line {line}: it is nested more than {DEEPEST} levels deep; write it flat")
        if scalars > MOST_SCALARS:
            raise UserError(f"line {line}: it has more than {MOST_SCALARS} values; name the right file")
