"""How alike two names of points are: a name is taken apart into what it says, however it is abbreviated or misspelt.

The pieces that names are made of stand in point_words.yaml; a piece that is not there is looked for among them by
how alike it is, then as several pieces written together.
"""

import difflib
import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from data_provider.trends.role_names import full_names, role_of

TABLE = Path(__file__).with_name("point_words.yaml")
_OTHER, _UNKNOWN = 1.0, 0.5  # weights of words without one in the table, and of pieces that mean nothing known
_LACKS = 0.7  # how much a word that only the model's name has counts, beside one that only the file's has
_APART = 0.35  # what is left of a likeness where the names say different things
_SETPOINT = 0.6  # and where one is a set point and the other is none
_DOUBLED = 0.25  # taken off where two pieces are read as the same word, though one may mean something else
_LONG, _MISSPELT = 5, 0.8  # letters from which a piece may be misspelt, and how alike it must be then
_LONGEST, _MOST_READINGS = 24, 16  # letters written together, and ways to read a name, that are tried
_MOVED = frozenset({"damper", "valve"})  # what a sensor of theirs shows is their position
_ENDS = frozenset("atpfcsdvo")  # letters that may stand alone at the end
_UMLAUTS = str.maketrans({"\u00e4": "ae", "\u00f6": "oe", "\u00fc": "ue", "\u00df": "ss"})


@dataclass(frozen=True)
class Meaning:
    """One way to read a name.

    Attributes:
        words: what it says.
        unknown: pieces that mean nothing known.
        numbers: in it.
        doubled: words that two pieces of it stand for, where another way to read one of them was there.
    """

    words: frozenset[str]
    unknown: frozenset[str]
    numbers: frozenset[str]
    doubled: int = 0


@dataclass(frozen=True)
class _Vocabulary:
    pieces: dict[str, tuple[tuple[str, ...], ...]]
    weights: dict[str, float]
    apart: tuple[frozenset[str], ...]


def likeness(name: str, column: str, *, quantity: str = "") -> float:
    """How alike a file's column and a model's column are by name.

    Args:
        name: of the file's column, without a unit behind it.
        column: the model's, whose other names count as well where it stands for a known point.
        quantity: that the unit of the file's column measures, "" if it has none.

    Returns:
        0 to 1, and 1 where the names say the same.
    """
    if name.strip().casefold() == column.strip().casefold():
        return 1.0
    targets, number = _targets(column)
    best = 0.0
    for meaning in meanings(name):
        stated = meaning.words | ({quantity} if quantity in _vocabulary().weights and not _measures(meaning) else set())
        found = max(_alike(stated, meaning.unknown, target) for target in targets)
        found -= _DOUBLED * min(meaning.doubled, 1)
        best = max(best, found * (_numbers(meaning.numbers, number) if number else 1.0))
    return best


@functools.lru_cache(maxsize=20_000)
def meanings(name: str) -> tuple[Meaning, ...]:
    """The ways to read a name."""
    plain = unicodedata.normalize("NFKC", name).casefold() if name.isupper() else _camel(name)
    plain = unicodedata.normalize("NFKD", plain.translate(_UMLAUTS)).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<![a-z])(ahu|rtu)[\s_-]*\d+", " ", plain)
    plain = re.sub(r"(?<![a-z])(set|st)[\s_-]*(point|pt)(?![a-z])", "setpoint", plain)
    tokens = re.findall(r"[a-z]+|\d+", plain)
    numbers = frozenset(token for token in tokens if token.isdigit())
    read = {token: _read(token) for token in tokens if not token.isdigit()}
    known = [read[token] for token in tokens if read.get(token)]
    unknown = frozenset(token for token, choices in read.items() if not choices)
    found = []
    for choice in itertools.islice(itertools.product(*known), _MOST_READINGS):
        words = [word for part in choice for word in part]
        several = {word for part, choices in zip(choice, known, strict=True) if len(choices) > 1 for word in part}
        doubled = sum(words.count(word) > 1 for word in several)
        found.append(Meaning(frozenset(words), unknown, numbers, doubled))
    return tuple(found)


def _camel(name: str) -> str:
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", unicodedata.normalize("NFKC", name))
    return re.sub(r"([A-Z]{2,})([A-Z][a-z])", r"\1 \2", apart).casefold()


def _read(token: str) -> tuple[tuple[str, ...], ...]:
    """What a piece of a name may mean; () if nothing known."""
    pieces = _vocabulary().pieces
    if token in pieces:
        return pieces[token]
    near = _nearest(token)
    if near is not None:
        return pieces[near]
    parts = _parted(token) if len(token) <= _LONGEST else None
    if parts is None:
        return ()
    return tuple(
        tuple(itertools.chain.from_iterable(choice)) for choice in itertools.product(*(pieces[part] for part in parts))
    )


def _nearest(token: str) -> str | None:
    """The longer piece that a misspelt word is most like; its first letter is seldom wrong."""
    some = [piece for piece in _long_pieces() if piece[0] == token[0]] if len(token) >= _LONG else []
    return next(iter(difflib.get_close_matches(token, some, 1, _MISSPELT)), None)


@functools.lru_cache(maxsize=1)
def _long_pieces() -> tuple[str, ...]:
    return tuple(piece for piece in _vocabulary().pieces if len(piece) >= _LONG)


def _parted(token: str) -> tuple[str, ...] | None:
    """The fewest known pieces that a word is written together from, None if it is not."""
    pieces = _vocabulary().pieces
    best: list[tuple[str, ...] | None] = [()] + [None] * len(token)
    for end in range(1, len(token) + 1):
        for begin in range(end):
            before, piece = best[begin], token[begin:end]
            fits = piece in pieces and (len(piece) > 1 or (0 < begin == len(token) - 1 and piece in _ENDS))
            if before is not None and fits and (best[end] is None or len(before) + 1 < len(best[end] or ())):
                best[end] = (*before, piece)
    return best[-1]


def _alike(words: frozenset[str], unknown: frozenset[str], target: frozenset[str]) -> float:
    """The share of what two names say that both say."""
    weigh = _vocabulary().weights
    common, lacks, extra = (
        sum(weigh.get(word, _OTHER) for word in some) for some in (words & target, target - words, words - target)
    )
    if not common:
        return 0.0
    share = common / (common + _LACKS * lacks + extra + _UNKNOWN * len(unknown))
    if ("setpoint" in words) != ("setpoint" in target):
        share *= _SETPOINT
    for group in _vocabulary().apart:
        if words & group and target & group and not words & target & group:
            share *= _APART
    return share


def _measures(meaning: Meaning) -> bool:
    """Whether a name says what is measured."""
    return any("temperature" in group and meaning.words & group for group in _vocabulary().apart)


def _numbers(found: frozenset[str], number: str) -> float:
    """What is left of the likeness to one of several points: their numbers should agree."""
    numbers = {int(word) for word in found}
    if int(number) in numbers:
        return 1.0
    return 0.9 if any(value % 10 == int(number) for value in numbers) else 0.8


@functools.lru_cache(maxsize=2_000)
def _targets(column: str) -> tuple[tuple[frozenset[str], ...], str]:
    """What a model's column may be called, and which it is of several, "" if it is the only one."""
    role = role_of(column)
    names = [column] if role is None else full_names(role.name)
    number = re.search(r"_(\d+)$", role.name) if role else None
    shows = {"position"} if role and role.kind == "position" and role.quantity == "fraction" else set()
    targets = (words | (shows if words & _MOVED else set()) for words in _words(names))
    return tuple(dict.fromkeys(targets)), number[1] if number else ""


def _words(names: Iterable[str]) -> Iterable[frozenset[str]]:
    for name in names:
        meaning = meanings(name)[0]
        words = meaning.words | meaning.unknown
        yield words - {"position"} if "command" in words else words  # as in Brick's Damper_Position_Command


@functools.lru_cache(maxsize=1)
def _vocabulary() -> _Vocabulary:
    stored: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    pieces = {
        str(piece): tuple(tuple(word for word in way.split() if word != "nothing") for way in str(ways).split("|"))
        for piece, ways in stored["pieces"].items()
    }
    weights = {word: float(weight) for word, weight in stored["weights"].items()}
    for word in weights:
        pieces.setdefault(word, ((word,),))
    return _Vocabulary(pieces, weights, tuple(frozenset(group) for group in stored["apart"]))
