"""What several test files share."""

import logging
import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.progress import Progress
from utils.logs import Screen
from utils.seeding import seed_everything

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our own flags of pytest."""
    parser.addoption("--long", action="store_true", help="run every case of every test, not a sample")
    parser.addoption("--shuffle", metavar="SEED", type=int, help="run the tests in an order of this number's own")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Where several processes test, the terminal shows the files that they work on."""
    config.addinivalue_line("markers", "sample(number): run so many of the cases, spread evenly; all with --long")
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and getattr(config.option, "numprocesses", None):
        config.pluginmanager.register(Progress(reporter))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what was left out."""
    if not _whole(config):
        terminalreporter.write_line("of long tests a sample of the cases ran; scripts/test_long.sh runs all")


def _whole(config: pytest.Config) -> bool:
    """True if every case is wanted: with --long, or of a test that is named."""
    return config.option.long or any("::" in named for named in config.args)


def _sample(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out cases of the tests that take long, the same ones always."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sample"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out = set()
    for mine in cases.values():
        (number,) = mine[0].get_closest_marker("sample").args  # type: ignore[union-attr]
        kept = {round(place * (len(mine) - 1) / max(1, number - 1)) for place in range(number)}
        left_out |= {item for place, item in enumerate(mine) if place not in kept}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`--shuffle SEED`: no test may need another one, or the state that it left.

    Files come in another order, and so do the tests of each. Tests of several files are not mixed: a module's fixtures
    would be made again for nearly every test.
    """
    if not _whole(config):
        _sample(config, items)
    if (seed := config.option.shuffle) is not None:
        order = random.Random(seed)
        order.shuffle(items)
        place = {file: order.random() for file in sorted({item.path for item in items})}
        items.sort(key=lambda item: place[item.path])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Random numbers that a test or a fixture draws without a seed of its own are the same in any order of tests."""
    seed_everything(0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """Nor do they depend on which fixtures were there already."""
    seed_everything(0)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small tensors run faster on one thread, and two test processes do not fight for the cores."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _no_terminal() -> Iterator[None]:
    """Progress bars are not cut to the width of the terminal that the tests were started from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Data that tests prepare, or processes that they start, does not fill the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(home))
        yield home / "dualgafnet"


@pytest.fixture(autouse=True, scope="session")
def _one_server() -> None:
    """Processes that a test starts are copies of one that has imported what they need."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        multiprocessing.get_context("forkserver").set_forkserver_preload(["torch.utils.data", "data_provider.prepare"])


@pytest.fixture(autouse=True, scope="session")
def _usual_signals() -> None:
    """A suite that was started by nohup or behind an ampersand ignores signals, and so would what it starts."""
    for name, usual in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """A verb that ran in one test says nothing in the next."""
    yield
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, Screen)]
    root.setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def lbnl_2020(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the measured data of 2020, where this machine has it; what is prepared of it is made new, too."""
    base = os.environ.get("HVAC_DATA", str(REPOSITORY.parent / "shared" / "data"))
    folder = Path(base) / "lbnl-2020"
    if not folder.is_dir():
        pytest.skip(f"the measured data of 2020 is not at {folder}; set HVAC_DATA to the folder that holds lbnl-2020")
    copy = tmp_path_factory.mktemp("measured") / folder.name
    copy.mkdir()
    for path in folder.glob("*.csv"):
        shutil.copyfile(path, copy / path.name)
    return copy
