"""The exceptions that end the program with one line."""

import difflib


class UserError(Exception):
    """The command line or the data cannot be used.

    The message is one line that says what is wrong, where, and what to do about it. `run.py` prints it on
    standard error and exits with `status`. Other code catches it only to say more exactly where the mistake lies,
    or to report it and go on without what it concerns.
    """

    status = 2


class Diverged(UserError):
    """A training that no longer gives numbers: what it was asked for is possible, and did not work."""

    status = 3


def unknown_name(kind: str, name: str, known: "list[str] | tuple[str, ...] | dict[str, object]") -> UserError:
    """The error for a name that no registry holds; lists the names that it does hold.

    Args:
        kind: what the name was to choose, for example "encoder".
        name: the name asked for.
        known: the names there are.
    """
    close = difflib.get_close_matches(name, known, 1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return UserError(f"unknown {kind} '{name}'; choose one of: {', '.join(sorted(known))}{hint}")
