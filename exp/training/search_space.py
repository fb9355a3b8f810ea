"""What `tune` searches: words as `learning_rate=log:1e-4:1e-2` read into flags and the values that each may take."""

import dataclasses
import itertools
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from utils.command_line import checked, kind_of
from utils.errors import UserError, unknown_name
from utils.former_options import FORMER
from utils.options import Options, flags

if TYPE_CHECKING:
    from optuna import Trial

# Flags that say what windows are, not which windows there are.
OF_DATA = ("seq_len", "stride", "sample_period", "channels", "scaling", "resample", "drop_columns")
OF_TRAINING = ("model", "loss", "training", "accumulation")  # groups of flags
# Of these groups, flags that change nothing that a model learns, or what `tune` itself goes by.
NOT_LEARNED = frozenset({"tracker", "checkpoint_minutes", "max_bad_steps", "compile", "cuda_graphs", "select"})
DIGITS = 4  # of a number drawn between two limits
RANGE = re.compile(r"(?P<log>log:)?(?P<low>[-+.\de]+):(?P<high>[-+.\de]+)")
EXAMPLE = "write FLAG=VALUES, as batch_size=4,8,16 or learning_rate=log:1e-4:1e-2"


@dataclass(frozen=True)
class Dimension:
    """A flag that is searched.

    Attributes:
        name: of the option.
        word: as it was written.
        choices: its values; none where it is a number between `low` and `high`, both included.
        log: whether numbers are drawn evenly by their logarithm.
    """

    name: str
    word: str
    choices: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False

    def suggest(self, trial: "Trial") -> Any:
        """The value that a trial is to try."""
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        if isinstance(self.low, int):
            return trial.suggest_int(self.name, self.low, int(self.high), log=self.log)
        value = float(f"{trial.suggest_float(self.name, self.low, self.high, log=self.log):.{DIGITS}g}")
        return min(max(value, self.low), self.high)

    def holds(self, value: Any) -> bool:
        """Whether it may take a value."""
        if self.choices:
            return value in self.choices
        return isinstance(value, int | float) and self.low <= value <= self.high

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values to try options with before any data is read."""
        return self.choices or (self.low, self.high)

    @property
    def values(self) -> Sequence[Any] | None:
        """All of its values; None of numbers without end."""
        if self.choices:
            return self.choices
        return range(int(self.low), int(self.high) + 1) if isinstance(self.low, int) else None


def space_of(options: Options) -> list[Dimension]:
    """The flags of `--search`, in the order of the line.

    Raises:
        UserError: a flag is unknown, cannot be searched, does not take a value, or has a value on the line as well.
    """
    if not options.search:
        raise UserError(f"tune needs --search with the flags to search; {EXAMPLE}")
    space = [_dimension(word) for word in options.search]
    names = [dimension.name for dimension in space]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"--search names {name} {names.count(name)} times; put its values into one word")
        if name in options.explicit:
            raise UserError(f"--{name} has a value on the line and is in --search; leave one of the two out")
    return space


def within(options: Options, space: Sequence[Dimension]) -> Options:
    """The options with every searched flag at a value of its search, its own where that is one."""
    values = {d.name: getattr(options, d.name) for d in space}
    return options.replace(**{d.name: values[d.name] if d.holds(values[d.name]) else d.ends[0] for d in space})


def searchable() -> list[str]:
    """The flags that may be searched."""
    return ["model", *OF_DATA, *(f.name for f in flags(*OF_TRAINING) if f.name not in NOT_LEARNED)]


def combinations(space: Sequence[Dimension], most: int) -> Iterator[dict[str, Any]] | None:
    """All settings of a space; None where there are more than some."""
    values = [dimension.values for dimension in space]
    if any(one is None for one in values) or math.prod(len(one) for one in values if one is not None) > most:
        return None
    names = [dimension.name for dimension in space]
    return (dict(zip(names, one, strict=True)) for one in itertools.product(*(v for v in values if v is not None)))


def _dimension(word: str) -> Dimension:
    name, equals, values = word.strip().removeprefix("--").partition("=")
    if not equals or not values:
        raise UserError(f"--search '{word}': {EXAMPLE}")
    name = FORMER.get(name, name)
    known = searchable()
    if name not in known:
        if name in {field.name for field in flags()}:
            raise UserError(f"--search {name}: trials could not be compared by it, or would not differ; name a flag of "
                            "the network, its training, or its windows")  # fmt: skip
        raise unknown_name("flag to search", name, known)
    (field,) = (field for field in flags() if field.name == name)
    try:
        return _range(field, word, values) or _choices(field, word, values)
    except UserError as error:
        raise UserError(f"--search {name}: {error}") from None


def _range(field: dataclasses.Field, word: str, values: str) -> Dimension | None:
    match = RANGE.fullmatch(values)
    if match is None or kind_of(field) not in (int, float):
        return None
    low, high = checked(field, match["low"]), checked(field, match["high"])
    if low >= high:
        raise UserError(f"{match['low']} is not below {match['high']}; write the lower one first")
    if match["log"] and low <= 0:
        raise UserError(f"log: is for numbers above 0, not {match['low']}")
    return Dimension(field.name, word, low=low, high=high, log=bool(match["log"]))


def _choices(field: dataclasses.Field, word: str, values: str) -> Dimension:
    """Values with commas between, or a list as JSON writes it where a value has commas of its own."""
    words: list[Any] = values.split(",")
    if values.startswith("["):
        try:
            words = json.loads(values)
        except ValueError:
            raise UserError(f'{values} is not a list; write it as JSON, as ["jitter:0.02,scale:0.1", ""]') from None
    found = tuple(checked(field, one) for one in words)
    if len(set(found)) < 2 or len(set(found)) < len(found):
        raise UserError(f"'{values}' is not a choice between values; name two or more, each once")
    return Dimension(field.name, word, choices=found)
