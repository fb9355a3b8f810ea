"""From the words of the command line, or a YAML file, to `Options`.

Only the standard library is imported, so that `--help` and a mistyped flag answer at once.
"""

import argparse
import dataclasses
import difflib
import math
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from utils.errors import UserError, unknown_name
from utils.former_options import FORMER, of_today
from utils.option_sections import LARGEST_SEED
from utils.options import GROUPS, Options, flags
from utils.safe_reading import one_line, read_bounded, read_pipe
from utils.verbs import EXAMPLES, GROUPS_OF_VERB, REQUIRED, VERBS, WORD_OF_VERB

LARGEST = 2**20  # bytes of a file of options


def parse(arguments: Sequence[str]) -> Options:
    """The options of a command line.

    Args:
        arguments: the words behind `run.py`.

    Raises:
        UserError: a flag or value that cannot be used.
        SystemExit: with status 0, after `--help`, `help VERB` or `--version`.
    """
    words = list(arguments)
    if words[:1] == ["--version"]:
        from utils.places import version  # reads a file; other lines need not

        sys.stdout.write(f"DualGAFNet {version()}\n")
        raise SystemExit(0)
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    verb = words.pop(0) if words and not words[0].startswith("-") else "train"
    if verb not in VERBS:
        close = difflib.get_close_matches(verb, VERBS, 1)
        raise UserError(f"unknown verb '{verb}'{_did_you_mean(close)}; choose one of: {', '.join(VERBS)}")
    if verb in WORD_OF_VERB and words and not words[0].startswith("-"):
        words[0] = f"--{WORD_OF_VERB[verb]}={words[0]}"
    given = vars(parser_of(verb).parse_args(words))
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    values = {**_config_of(_content(given["config"]), given["config"]), **given} if given.get("config") else given
    options = Options(verb=verb, explicit=_chosen(values) | set(given), **values)
    if verb == "train" and options.is_training == 0:
        options = options.replace(verb="test")
    if options.seed + options.itr - 1 > LARGEST_SEED:
        raise UserError(f"--seed {options.seed} and --itr {options.itr} go beyond the largest seed, {LARGEST_SEED}; "
                        "take a smaller seed")  # fmt: skip
    if options.test_size + options.val_size >= 1:
        raise UserError(
            f"--test_size {options.test_size} and --val_size {options.val_size} leave nothing to train on; "
            "their sum must be below 1"
        )
    return options


def options_of(verb: str, given: Mapping[str, Any]) -> Options:
    """The options that a program names, checked as those of a command line.

    Raises:
        UserError: an unknown name, or a value that cannot be used.
    """
    known = {field.name: field for field in flags(*GROUPS_OF_VERB[verb])}
    for name in given:
        if name not in known:
            raise unknown_name(f"flag of {verb}", name, list(known))
    return Options(verb=verb, explicit=frozenset(given), **{n: checked(known[n], value) for n, value in given.items()})


def from_config(path: Path, **changes: Any) -> Options:
    """The options that a YAML file holds.

    Args:
        path: the file.
        changes: options that win over the file's.
    """
    return from_config_text(_content(str(path)), str(path), **changes)


def from_config_text(content: bytes, source: str, **changes: Any) -> Options:
    """The options of a run folder's config.yaml that was read already; `source` is its name for messages."""
    values = {**_config_of(content, source), **changes}
    return Options(explicit=_chosen(values), **values)


def _chosen(values: dict[str, Any]) -> frozenset[str]:
    """A run folder's config.yaml holds every option; those at their default say nothing of what was chosen."""
    return frozenset(f.name for f in flags() if f.name in values and values[f.name] != f.default)


class _Parser(argparse.ArgumentParser):
    """Reports a mistake as `UserError`, with the flag that was probably meant."""

    def error(self, message: str) -> typing.NoReturn:
        if "unrecognized arguments:" in message:
            word = message.split(":", 1)[1].split()[0]
            known = [f"--{field.name}" for field in flags()]
            close = difflib.get_close_matches(word.split("=")[0], known, 1)
            message = f"unknown flag or value '{word}'{_did_you_mean(close)}; see python run.py --help"
        raise UserError(message)


def _did_you_mean(close: Sequence[str]) -> str:
    return f" (did you mean '{close[0]}'?)" if close else ""


def parser_of(verb: str) -> argparse.ArgumentParser:
    """The parser of a verb's flags; what it reads holds the flags of the line alone."""
    required = REQUIRED.get(verb, ())
    needed = f"; required: {', '.join(f'--{name}' for name in required)}" if required else ""
    listing = "\n".join(f"  {name:<10} {text}" for name, text in VERBS.items())
    parser = _Parser(
        prog=f"run.py {verb}".removesuffix(" train"),
        usage=f"python run.py [VERB] [flags]\n\nverbs:\n{listing}",
        description=f"Flags of '{verb}'{needed}. Any other verb's: python run.py VERB --help",
        epilog=f"example: {EXAMPLES[verb]}",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=36, width=120),
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    for group in GROUPS_OF_VERB[verb]:
        section = parser.add_argument_group(GROUPS[group][0])
        for field in flags(group):
            _add_flag(section, field, field.name in required)
    return parser


def _add_flag(section: argparse._ArgumentGroup, field: dataclasses.Field, required: bool) -> None:
    kind, name = kind_of(field), f"--{field.name}"
    default = "" if field.default in (None, "", ()) else f" [{field.default}]"
    text = ("required: " * required + field.metadata["help"] + default).replace("%", "%%")
    if kind is bool:
        section.add_argument(name, nargs="?", const=True, type=_reader(field), metavar="BOOL", help=text)
        section.add_argument(f"--no_{field.name}", dest=field.name, action="store_false", help=argparse.SUPPRESS)
    elif kind is tuple:
        section.add_argument(name, nargs="+", action="extend", metavar=field.metadata["metavar"] or "PATH", help=text)
    else:
        metavar = "|".join(field.metadata["choices"]) or kind.__name__.upper()
        section.add_argument(name, type=_reader(field), metavar=metavar, help=text)
        for former, today in FORMER.items():
            if today == field.name:
                section.add_argument(f"--{former}", dest=today, type=_reader(field), help=argparse.SUPPRESS)


def kind_of(field: dataclasses.Field) -> type:
    """The plain type of an option: `int | None` is int, `tuple[str, ...]` is tuple."""
    hint = typing.get_type_hints(Options)[field.name]
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    return typing.get_origin(hint) or hint


def _reader(field: dataclasses.Field) -> Callable[[str], Any]:
    """A function that turns a flag's word into its value, or says why it cannot."""

    def read(word: str) -> Any:
        try:
            return checked(field, word)
        except UserError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def checked(field: dataclasses.Field, value: Any) -> Any:
    """A value of the flag's type and within its limits; words are converted.

    Raises:
        UserError: naming the value and those allowed.
    """
    kind, limits = kind_of(field), field.metadata
    if value is None and field.default is None:
        return None
    if "\0" in str(value):
        raise UserError(f"'{one_line(str(value))[:60]}' has a NUL in it; leave it out")
    if kind is tuple:
        return tuple(str(item) for item in (value if isinstance(value, list | tuple) else [value]))
    if kind is bool:
        truth = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if str(value).lower() not in truth:
            raise UserError(f"'{value}' is neither True nor False")
        return truth[str(value).lower()]
    try:
        result = kind(value)
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"'{_short(value)}' is not {'a whole number' if kind is int else 'a number'}") from None
    if kind is float and not math.isfinite(result):
        raise UserError(f"'{value}' is not a finite number")
    if limits["choices"] and str(result) not in limits["choices"]:
        raise UserError(f"'{value}' is not one of: {', '.join(limits['choices'])}")
    for key, holds, words in (
        ("at_least", lambda limit: result >= limit, "at least"),
        ("above", lambda limit: result > limit, "above"),
        ("below", lambda limit: result < limit, "below"),
        ("at_most", lambda limit: result <= limit, "at most"),
    ):
        if limits[key] is not None and kind in (int, float) and not holds(limits[key]):
            raise UserError(f"{_short(value)} is out of range: it must be {words} {limits[key]}")
    return result


def _short(value: Any) -> str:
    return one_line(str(value)) if len(str(value)) <= 60 else one_line(str(value)[:60]) + "..."


def _content(path: str) -> bytes:
    """A file of options, or what a shell's <(...) hands over in its place."""
    try:
        there = Path(path).exists()
    except (OSError, ValueError):  # a name that is too long; a NUL in it
        there = False
    if not there:
        raise UserError(f"no configuration file at {_short(path)}; give --config the path of a YAML file")
    return read_pipe(Path(path), LARGEST) if Path(path).is_fifo() else read_bounded(Path(path), largest=LARGEST)


def _config_of(content: bytes, path: str) -> dict[str, Any]:
    import yaml  # only needed with --config

    from utils.plain_yaml import load_plain

    try:
        stored = load_plain(content)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"cannot read the configuration {path}: {reason}; it must be a YAML file") from None
    if not isinstance(stored, dict):
        raise UserError(f"{path} holds no options; write one 'name: value' a line, as config.yaml of a run folder")
    return stored_options(stored, path)


def stored_options(stored: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Options that a file names, under the names of today, as values of their kind within their limits.

    Raises:
        UserError: an option that this version does not know, or a value that it does not take.
    """
    known = {field.name: field for field in flags()}
    result = {}
    for name, value in of_today(stored).items():
        if name not in known:
            close = difflib.get_close_matches(str(name), known, 1)
            shown = one_line(str(name))[:60]
            raise UserError(f"{source}: unknown option '{shown}'{_did_you_mean(close)}; see python run.py --help")
        plain = all(isinstance(entry, str | int | float | None) for entry in _entries(value))
        if not plain or (isinstance(value, list) and kind_of(known[name]) is not tuple):
            raise UserError(f"{source}: {name}: write one value, as config.yaml of a run folder")
        try:
            result[name] = checked(known[name], value)
        except UserError as error:
            raise UserError(f"{source}: {name}: {error}") from None
    return result


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
