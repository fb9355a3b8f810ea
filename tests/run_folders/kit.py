"""Run folders that somebody damaged, on the way or on purpose."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import run
from exp.runs.model_files import own_sha256

KEPT = (
    "config.yaml",
    "metrics.json",
    "training_metrics.csv",
    "best_model_summary.csv",
    "predictions_val.csv",
    "predictions_test.csv",
    "figures/samples.npz",
    "model/model.json",
    "model/weights.safetensors",
    "model/decision.safetensors",
)
MODEL = tuple(name for name in KEPT if name.startswith("model/"))


def flip(path: Path) -> None:
    """One bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    """The first half."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def other_type(path: Path) -> None:
    """Well-formed content of another kind."""
    path.write_text("[1, 2, 3]\n")


def folder_instead(path: Path) -> None:
    """A folder of that name."""
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flip": flip,
    "truncate": truncate,
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
    "text": lambda path: path.write_text("not what it was\n"),
    "other type": other_type,
    "folder": folder_instead,
}


def copy_of(folder: Path, place: Path, *, sums: bool = True) -> Path:
    """A copy of a run folder; without sums it is like that of an earlier version."""
    copied = Path(shutil.copytree(folder, place, symlinks=True))
    if not sums:
        (copied / "checksums.json").unlink()
    return copied


def words_of(verb: str, folder: Path, data: Path) -> list[str]:
    """A command line that has a verb read a run folder."""
    if verb == "resume":
        return ["--resume", str(folder), "--disable_parallel"]
    more = {
        "detect": ["--input", str(data / "normal.csv"), "--output", str(folder.parent / f"{folder.name}-found")],
        "export": ["--format", "torch", "--output", str(folder.parent / f"{folder.name}-export")],
    }
    return [verb, "--run", str(folder), *more.get(verb, [])]


def sign(description: dict[str, Any]) -> dict[str, Any]:
    """model.json with a sum that fits, as whoever made it up would write it."""
    if isinstance(description.get("sha256"), dict):
        description["sha256"]["model.json"] = own_sha256(description)
    return description


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in plain values, but for the second and later entries of a list."""
    pairs = value.items() if isinstance(value, dict) else list(enumerate(value))[:1] if isinstance(value, list) else ()
    for key, entry in pairs:
        yield (*place, key)
        yield from places(entry, (*place, key))


def changed(text: str, place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Plain values with one of them replaced, or taken out where the value is `GONE`."""
    found = json.loads(text)
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    if value is GONE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return found


GONE = object()
STRANGE = (
    *("../../etc/passwd", "\x1b[31m", "\ud800", "", None, -1.5, 0, True, float("nan"), float("inf"), 10**30, 2**40),
    *([], {}, [[[]]], {"a": {"b": 1}}, ["a", "a"], [float("nan")], GONE),
)


def status_and_error(words: list[str], capsys: Any) -> tuple[int, str]:
    """The exit status of a command line and what it said on standard error."""
    capsys.readouterr()
    status = run.main(words)
    return status, capsys.readouterr().err
