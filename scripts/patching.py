"""Puts a mutant's functions into a module that is in use already, so that tests need not be collected once more."""

import ast
import functools
import types
from collections.abc import Iterator
from typing import Any


def patch(module: types.ModuleType, source: str) -> None:
    """Gives every function of a module the body that `source` has for it, and every number and word its value.

    Whoever imported a function or class sees the change. What this cannot change, such as the fields of a record, is
    left as it is.
    """
    fresh = types.ModuleType(module.__name__)
    fresh.__dict__.update({"__file__": module.__file__, "__package__": module.__package__})
    exec(compile(ast.parse(source), module.__file__ or "", "exec"), fresh.__dict__)  # our own source
    old, new = dict(_functions(module)), dict(_functions(fresh))
    for name, function in new.items():
        mine = old.get(name)
        if mine is None or mine.__code__.co_freevars != function.__code__.co_freevars:
            continue
        mine.__code__ = function.__code__
        mine.__defaults__, mine.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    for name, value in vars(fresh).items():
        if isinstance(value, bool | int | float | str | tuple | frozenset) and not name.startswith("__"):
            setattr(module, name, value)


def _functions(module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if isinstance(value, type):
            for inner, entry in vars(value).items():
                for place, function in enumerate(_inside(entry)):
                    yield f"{name}.{inner}.{place}", function
        else:
            for place, function in enumerate(_inside(value)):
                yield f"{name}.{place}", function


def _inside(entry: Any) -> list[Any]:
    """The functions that an entry of a class or module is made of."""
    if isinstance(entry, property):
        parts = [entry.fget, entry.fset]
    elif isinstance(entry, staticmethod | classmethod):
        parts = [entry.__func__]
    elif isinstance(entry, functools.cached_property):
        parts = [entry.func]
    else:
        parts = [entry]
    found = [getattr(part, "__wrapped__", part) for part in parts]  # of a context manager, what it wraps
    return [part for part in found if isinstance(part, types.FunctionType)]
