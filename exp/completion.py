"""The verb `completion`: writes what lets a shell complete verbs, flags and the names that flags take."""

import argparse
import sys
from collections import defaultdict

from data_provider.datasets import DATASETS
from exp.training.catalogue import everything
from utils.command_line import parser_of
from utils.errors import UserError
from utils.options import Options, flags
from utils.verbs import VERBS, WORD_OF_VERB

NAME = "dualgafnet"  # of the shell's functions
# Flags whose values are files or folders.
PATHS = frozenset(
    {"baseline", "cache_path", "compare", "config", "events", "group", "init", "input", "json", "like", "output"}
    | {"result_path", "resume", "roles", "root_path", "run", "weather"}
)
# For `python run.py`, where the shell sees the command `python`: its completion is handed the line without that word.
# In zsh the completion of python does so itself.
BEHIND_PYTHON = """
_behind_python() {
  [[ ${COMP_WORDS[1]} == PROGRAM || ${COMP_WORDS[1]} == */PROGRAM ]] || return
  ((COMP_CWORD > 1)) || return
  COMP_WORDS=("${COMP_WORDS[@]:1}")
  COMP_CWORD=$((COMP_CWORD - 1))
  _shtab_NAME "$@"
}
complete -o bashdefault -o default -F _behind_python python python3
"""


def run(options: Options) -> int:
    """Prints the completion of `--shell`, made of the same parsers that read the line.

    Returns:
        0.

    Raises:
        UserError: shtab is not installed.
    """
    try:
        import shtab
    except ImportError:
        raise UserError("completion needs shtab, which is not installed; python -m pip install shtab") from None
    parser = whole_parser(shtab.FILE)
    sys.stdout.write(shtab.complete(parser, shell=options.shell, root_prefix=NAME) + "\n")
    if options.shell == "bash" and parser.prog.endswith(".py"):
        sys.stdout.write(BEHIND_PYTHON.replace("PROGRAM", parser.prog).replace("NAME", NAME))
    return 0


def whole_parser(path: object) -> argparse.ArgumentParser:
    """The parsers of all verbs in one, each flag with the names that it takes.

    Args:
        path: what shtab completes files by.
    """
    names = _names()
    train = _with_names("train", names, path)
    whole = argparse.ArgumentParser(prog=train.prog, add_help=False, parents=[train])
    verbs = whole.add_subparsers()
    for verb, text in VERBS.items():
        parser = verbs.add_parser(verb, help=text, add_help=False, parents=[_with_names(verb, names, path)])
        if verb in WORD_OF_VERB:
            parser.add_argument("word", choices=names[WORD_OF_VERB[verb]], help=text)
    verbs.add_parser("help", help="the flags of a verb").add_argument("verb", choices=list(VERBS), help="whose flags")
    return whole


def _names() -> dict[str, list[str]]:
    """Flag -> the names that it takes."""
    found: dict[str, list[str]] = defaultdict(list, data=list(DATASETS))
    for part in everything():
        if ":" not in part.name:  # shells take a colon for their own
            found[part.flag].append(part.name)
    return found | {field.name: list(field.metadata["choices"]) for field in flags() if field.metadata["choices"]}


def _with_names(verb: str, names: dict[str, list[str]], path: object) -> argparse.ArgumentParser:
    parser = parser_of(verb)
    for action in parser._actions:
        if action.dest in PATHS:
            action.complete = path  # type: ignore[attr-defined]
        else:
            action.choices = names.get(action.dest)
    return parser
