"""Small faults in a Python file: another comparison, another sum, a number one larger, a line left out.

What only words are made of is left alone: docstrings, annotations, messages of errors and of the log.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

OTHER: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
WORDS_ONLY = {"annotation", "returns", "decorator_list", "type_params", "exc"}


@dataclass(frozen=True)
class Mutant:
    """A fault: where it is, what it changes, and the whole file with it."""

    file: str
    line: int
    name: str
    source: str


def mutants_of(source: str, file: str) -> list[Mutant]:
    """Every fault of a file, in the order of its lines; names tell equal ones in a function apart by a number."""
    tree = ast.parse(source)
    found: list[Mutant] = []
    counts: Counter[str] = Counter()
    for holder, field, place, node, scope in _nodes(tree, "module"):
        for new in _faults(node, field):
            changed = ast.unparse(new) if new is not None else ""
            name = f"{scope}: {_short(ast.unparse(node))} -> {_short(changed) or 'nothing'}"
            counts[name] += 1
            _put(holder, field, place, new if new is not None else ast.Pass())
            text = ast.unparse(ast.fix_missing_locations(tree))
            _put(holder, field, place, node)
            number = f" #{counts[name]}" if counts[name] > 1 else ""
            found.append(Mutant(file, node.lineno, name + number, text))
    return sorted(found, key=lambda mutant: mutant.line)


def _put(holder: ast.AST, field: str, place: int | None, node: ast.AST) -> None:
    if place is None:
        setattr(holder, field, node)
    else:
        getattr(holder, field)[place] = node


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 90 else text[:60] + " ... " + text[-25:]


def _nodes(holder: ast.AST, scope: str) -> Iterator[tuple[ast.AST, str, int | None, Any, str]]:
    """Every expression and statement that may be changed, with where it hangs and the function that it is in."""
    for field, value in ast.iter_fields(holder):
        if field in WORDS_ONLY:
            continue
        for place, node in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(
                node, ast.expr | ast.stmt | ast.comprehension | ast.keyword | ast.arguments | ast.excepthandler
            ):
                continue
            if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom) or _is_said(node):
                continue
            inner = scope
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                inner = node.name if scope == "module" else f"{scope}.{node.name}"
            if isinstance(node, ast.expr | ast.stmt):
                yield holder, field, place if isinstance(value, list) else None, node, inner
            yield from _nodes(node, inner)


def _is_said(node: ast.AST) -> bool:
    """A docstring, or a line of the log."""
    if not isinstance(node, ast.Expr):
        return False
    value = node.value
    if isinstance(value, ast.Constant):
        return True
    return isinstance(value, ast.Call) and ast.unparse(value.func).startswith("logger.")


def _faults(node: Any, field: str) -> Iterator[ast.AST | None]:
    """What may stand in a node's place; None for nothing."""
    yield from _left_out(node)
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            changed = copy.deepcopy(node)
            changed.ops[place] = OTHER[type(operator)]()
            yield changed
    elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in OTHER:
        changed = copy.deepcopy(node)
        changed.op = OTHER[type(node.op)]()
        yield changed
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _values(node)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES:
        changed = copy.deepcopy(node)
        changed.func.id = NAMES[node.func.id]
        yield changed
    if field == "test" and isinstance(node, ast.Name | ast.Attribute | ast.Call):
        yield ast.UnaryOp(ast.Not(), node)


def _left_out(node: Any) -> Iterator[ast.AST | None]:
    if _does_something(node):
        yield None
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield ast.copy_location(ast.Return(ast.Constant(None)), node)
    elif isinstance(node, ast.Continue | ast.Break):
        yield ast.Break() if isinstance(node, ast.Continue) else ast.Continue()


def _does_something(node: Any) -> bool:
    """A statement whose loss is no missing name: a call, an error, an attribute or an entry that is set."""
    if isinstance(node, ast.Assign):
        return not all(isinstance(target, ast.Name | ast.Tuple) for target in node.targets)
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return is_call or isinstance(node, ast.Raise | ast.AugAssign)


def _values(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and value:
        yield ast.Constant(f"XX{value}")
