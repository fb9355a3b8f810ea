"""Mutation testing: small faults are put into the code, one at a time, and the tests have to notice each.

    bash scripts/mutate.sh                          the engine, whole
    bash scripts/mutate.sh --sample 100 --seed 1    of all mutants of the engine a hundred
    bash scripts/mutate.sh split scaler             groups, or files, by name

Every mutant is written into a copy of the repository and tested in a process that has imported PyTorch already, so it
takes a second or two. `tests/equivalent_mutants.yaml` lists those that change nothing, each with a reason.
"""

import argparse
import importlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))
from scripts.mutants import Mutant, mutants_of  # noqa: E402
from scripts.patching import patch  # noqa: E402

EQUIVALENT = REPOSITORY / "tests" / "equivalent_mutants.yaml"
ENGINE_TESTS = (
    *("tests/accumulation/test_engine.py", "tests/accumulation/test_amp.py", "tests/accumulation/test_oom.py"),
    "tests/accumulation/test_distributed.py",
)
# What is mutated, and the fast tests that have to notice; the first that fails ends a mutant.
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "engine": {
        "utils/gradient_accumulation.py": ENGINE_TESTS,
        "utils/accumulation_window.py": ENGINE_TESTS,
        "utils/accumulation_plan.py": ("tests/accumulation/test_plan.py",),
        "utils/memory_guard.py": ("tests/accumulation/test_oom.py",),
        "exp/training/trainer.py": ("tests/training", "tests/resume/test_bad_numbers.py"),
    },
    "split": {
        "data_provider/splits/split.py": ("tests/data_provider/test_pieces.py", "tests/data_provider/test_split.py"),
    },
    "scaler": {"data_provider/scaler.py": ("tests/data_provider/test_windows.py",)},
    "events": {"exp/detection/events.py": ("tests/test_events.py",)},
    "units": {"data_provider/trends/units.py": ("tests/trends/test_units.py",)},
}
IMPORTED, NOTICED = "imported.txt", "noticed.txt"  # in the copy: names of modules, and of mutants
LONGEST = 20  # seconds that a mutant may compute at least; more where the tests themselves take long


class Limits(NamedTuple):
    """Of one run of the tests: seconds that it may compute, and seconds by the clock."""

    computing: float
    waiting: float


def main(words: Sequence[str]) -> int:
    """Tests the mutants of some files; the status is 1 where one survived that is not listed as equivalent."""
    parser = argparse.ArgumentParser(description="mutation testing of the parts that must not err")
    parser.add_argument("what", nargs="*", default=["engine"], help=f"{', '.join(GROUPS)}, all, or files of them")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    parser.add_argument("--match", metavar="TEXT", default="", help="only mutants whose name holds this")
    given = parser.parse_args(words)
    files = _files(given.what)
    if not files:
        parser.error(f"nothing is called {' '.join(given.what)}; choose among {', '.join(GROUPS)} and their files")
    mutants = [mutant for file in files for mutant in mutants_of((REPOSITORY / file).read_text(encoding="utf-8"), file)]
    mutants = [mutant for mutant in mutants if given.match in mutant.name]
    if given.sample and given.sample < len(mutants):
        chosen = set(random.Random(given.seed).sample(range(len(mutants)), given.sample))
        mutants = [mutant for place, mutant in enumerate(mutants) if place in chosen]
    known = yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        survivors = _test_all(mutants, files, Path(place), known)
    return 1 if survivors else 0


def _files(wanted: Sequence[str]) -> dict[str, tuple[str, ...]]:
    every = {file: tests for group in GROUPS.values() for file, tests in group.items()}
    names = [file for name in wanted for file in GROUPS.get(name, every if name == "all" else {name: ()})]
    return {file: every[file] for file in names if file in every}


def _test_all(
    mutants: list[Mutant], files: dict[str, tuple[str, ...]], place: Path, known: dict[str, dict[str, str]]
) -> list[Mutant]:
    """Tests mutants, says what came of them, and gives those that survived."""
    copy = _copy(place)
    survivors, rows, began = [], [], time.monotonic()
    for file, tests in files.items():
        mine = [mutant for mutant in mutants if mutant.file == file]
        if not mine:
            continue
        equal = known.get(file, {})
        tested = [mutant for mutant in mine if mutant.name not in equal]
        lived = _survivors(tested, file, copy, tests)
        survivors += lived
        rows.append((file, len(tested), len(mine) - len(tested), len(lived)))
        print(_row(*rows[-1]), flush=True)
        for mutant in lived:
            print(f"    survived, line {mutant.line}: {mutant.name}", flush=True)
    total = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    print(f"{_row('together', *total)}; {time.monotonic() - began:.0f} s")
    return survivors


def _survivors(mutants: list[Mutant], file: str, copy: Path, tests: Sequence[str]) -> list[Mutant]:
    source, before, began = (copy / file).read_text(encoding="utf-8"), _computed(), time.monotonic()
    if _run(copy, tests, None) != 0:
        raise SystemExit(f"the tests of {file} fail without a mutant: {' '.join(tests)}")
    # Seconds to compute; and seconds by the clock, which end what waits for ever and grow with a machine's other work.
    limits = Limits(max(LONGEST, 5 * (_computed() - before)), LONGEST + 3 * (time.monotonic() - began))
    _load(copy / IMPORTED)
    _forget_compiled(copy / file)
    _run(copy, tests, None, Forks(mutants, copy, limits))
    noticed = set((copy / NOTICED).read_text(encoding="utf-8").splitlines())
    # What was put into a running module may not have taken effect; the file itself decides.
    lived = [mutant for mutant in mutants if mutant.name not in noticed and _survives(mutant, copy, tests, limits)]
    (copy / file).write_text(source, encoding="utf-8")
    return lived


def _row(file: str, tested: int, same: int, lived: int) -> str:
    share = 100 * lived / max(1, tested)
    return f"{file}: {tested} mutants, {tested - lived} noticed, {lived} survived ({share:.1f} %); {same} equivalent"


def _copy(place: Path) -> Path:
    """The files of the repository, as they are now, where they may be changed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        if (REPOSITORY / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, place / name)
    return place


def _load(names: Path) -> None:
    """Imports what the tests imported of other packages, so that the processes of the mutants need not."""
    import torch

    torch.set_num_threads(1)
    for name in names.read_text(encoding="utf-8").split():
        if not (REPOSITORY / f"{name.split('.')[0]}.py").is_file() and not (REPOSITORY / name.split(".")[0]).is_dir():
            with suppress(Exception):  # what cannot be imported alone
                importlib.import_module(name)


def _survives(mutant: Mutant, copy: Path, tests: Sequence[str], limits: Limits) -> bool:
    (copy / mutant.file).write_text(mutant.source, encoding="utf-8")
    return _run(copy, tests, limits) == 0


def _forget_compiled(path: Path) -> None:
    """Compiled code is known by its source's size and second of change; two mutants may share both."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # for processes that tests start
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        compiled.unlink()


def _computed() -> float:
    """Seconds that processors worked for the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Forks:
    """A plugin of pytest: once the tests are collected, each mutant runs them in a copy of the process.

    Args:
        mutants: of one file.
        copy: the repository's copy.
        limits: of a mutant.
    """

    def __init__(self, mutants: list[Mutant], copy: Path, limits: Limits) -> None:
        self.mutants, self.copy, self.limits = mutants, copy, limits

    def pytest_collection_finish(self, session: Any) -> None:
        """Returns in the copies, to run the tests; in the process itself once all are done, with no test left."""
        noticed = self.copy / NOTICED
        noticed.write_text("", encoding="utf-8")
        for mutant in self.mutants:
            child = os.fork()
            if not child:
                os.setsid()
                _bound(self.limits)
                (self.copy / mutant.file).write_text(mutant.source, encoding="utf-8")  # for processes that tests start
                patch(importlib.import_module(mutant.file.removesuffix(".py").replace("/", ".")), mutant.source)
                return
            if _wait(child, self.limits) != 0:
                with noticed.open("a", encoding="utf-8") as file:
                    file.write(mutant.name + "\n")
        session.items.clear()


def _run(copy: Path, tests: Sequence[str], limits: Limits | None, *plugins: object) -> int:
    """The exit status of the tests in a copy of this process; other than 0 too where it hangs or dies."""
    child = os.fork()
    if not child:
        os.setsid()
        _bound(limits)
        _in_child(copy, tests, plugins)
    return _wait(child, limits)


def _bound(limits: Limits | None) -> None:
    """This process, and each that it starts, may compute for so long."""
    if limits:
        ends = int(time.process_time() + limits.computing) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (ends, ends))


def _wait(child: int, limits: Limits | None) -> int:
    ends, status = time.monotonic() + (limits.waiting if limits else 86400), None
    while status is None and time.monotonic() < ends:
        done, code = os.waitpid(child, os.WNOHANG)
        status = code if done else None
        time.sleep(0.01)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what hangs, and what it started
    if status is None:
        os.waitpid(child, 0)
        return -1
    return status


def _in_child(copy: Path, tests: Sequence[str], plugins: Sequence[object]) -> None:
    import pytest

    nothing = os.open(os.devnull, os.O_RDWR)
    for place in range(3):
        os.dup2(nothing, place)
    os.chdir(copy)
    sys.path[:] = [str(copy), *(place for place in sys.path if Path(place).resolve() != REPOSITORY)]
    os.environ["PYTHONPATH"] = str(copy)
    del sys.modules["__main__"].__file__  # or processes that tests start would begin with this file, not with the copy
    status = 1
    try:
        flags = [
            "-x",
            "-q",
            "--tb=no",
            "-p",
            "no:faulthandler",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            f"--rootdir={copy}",
        ]
        status = int(pytest.main([*flags, *tests], plugins=plugins))
        Path(IMPORTED).write_text("\n".join(sys.modules), encoding="utf-8")
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
