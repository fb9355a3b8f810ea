"""The readers of what others hand over, each as a function of bytes: nothing but a UserError may come out of one.

Each says whether it could use what it was given, in one way at least.

`scripts/fuzz.sh` feeds them for as long as one likes; the tests feed them what was found so far.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data_provider.splits.group_file import read_groups
from data_provider.trends.roles import read_roles
from data_provider.trends.table import read_table
from data_provider.trends.trend import Trend, read_trends
from exp.detection.feedback import read_feedback
from exp.detection.marks import read_marks
from exp.runs.artifact import load_artifact
from exp.runs.record import read_run
from exp.runs.run_folder import RunFolder
from tests.resume.kit import seal
from tests.run_folders.kit import sign
from utils.checkpoints import load_checkpoint
from utils.command_line import from_config_text
from utils.errors import UserError
from utils.files import sha256_of

COLUMNS, UNITS = ("SA_TEMP", "OA_TEMP", "SF_WAT"), ("F", "F", "W")
REQUEST = {"columns": COLUMNS, "units": UNITS, "period_seconds": 300}
Reader = Callable[[bytes, Path], bool]


def _put(content: bytes, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _attempt(*ways: Callable[[], object]) -> bool:
    read = [_is_read(way) for way in ways]
    return any(read)


def _is_read(way: Callable[[], object]) -> bool:
    try:
        way()
    except UserError as error:
        said = str(error)
        assert said.strip(), "it does not say why"
        assert "\n" not in said, f"more than a line: {said!r}"
        assert "\x1b" not in said, f"a terminal would obey it: {said!r}"
        return False
    return True


def text(content: bytes, place: Path) -> bool:
    """A trend file of text, as training and as detection read it."""
    path = _put(content, place / "unit.csv")
    return _attempt(
        lambda: read_table(path), lambda: [_is_well_formed(trend) for trend in read_trends(path, **REQUEST)]
    )


def _is_well_formed(trend: Trend) -> None:
    assert trend.values.shape == (len(trend.times), len(COLUMNS))
    assert (np.diff(trend.times) > np.timedelta64(0)).all()
    assert not np.isinf(trend.values).any()
    assert all("\n" not in problem.line and "\x1b" not in problem.line for problem in trend.problems)


def grid(content: bytes, place: Path) -> bool:
    """Readings at any times and of any size, well written: what is left is the way to even steps."""
    numbers = np.frombuffer(content[: len(content) // 8 * 8], np.int16).astype(np.int64).reshape(-1, 4)
    times = np.cumsum(numbers[:, 0] // 8) + 1_500_000_000
    rows = [f"{time},{a},{b / 100},{c}" for time, (a, b, c) in zip(times, numbers[:, 1:], strict=True)]
    return text("\n".join(["Datetime,SA_TEMP,OA_TEMP,SF_WAT", *rows]).encode(), place)


def roles(content: bytes, place: Path) -> bool:
    """A role map, with and without a model's columns."""
    path = _put(content, place / "roles.yaml")
    return _attempt(
        lambda: read_roles(path, columns=COLUMNS, units=UNITS), lambda: read_roles(path), lambda: read_groups(path)
    )


def config(content: bytes, place: Path) -> bool:
    """`--config`, and config.yaml of a run folder."""
    return _attempt(lambda: from_config_text(content, "config.yaml"))


def marks(content: bytes, place: Path) -> bool:
    """What people wrote into events.csv, and feedback.json beside it."""
    path = _put(content, place / "events.csv")
    read = _attempt(lambda: read_marks(path, place))
    _put(content, place / "feedback.json")
    return _attempt(lambda: read_feedback(place)) or read


def artifact(content: bytes, place: Path) -> bool:
    """model.json, signed by whoever made it up, beside the weights of a real run."""
    model = place / "run" / "model"
    try:
        description = json.loads(content)
        description["sha256"] |= {
            name: sha256_of(model / name) for name in ("weights.safetensors", "decision.safetensors")
        }
        content = json.dumps(sign(description)).encode("utf-8", "surrogatepass")
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        pass
    _put(content, model / "model.json")
    return _attempt(lambda: load_artifact(model).rule(unknown_rate=0.05, false_alarm_rate=0.05))


def checkpoint(content: bytes, place: Path) -> bool:
    """A checkpoint whose sum fits, and as it is."""
    path = place / "last.pt"
    seal(path, content)
    read = _attempt(lambda: load_checkpoint(path))
    path.write_bytes(content)
    return _attempt(lambda: load_checkpoint(path)) or read


def metrics(content: bytes, place: Path) -> bool:
    """metrics.json of a run folder without sums."""
    folder = place / "run"
    _put(content, folder / "metrics.json")
    return _attempt(lambda: RunFolder(folder).read_metrics(), lambda: read_run(folder))


def tables(content: bytes, place: Path) -> bool:
    """training_metrics.csv and the predictions of a run folder without sums."""
    folder = place / "run"
    for name in ("training_metrics.csv", "predictions_test.csv"):
        _put(content, folder / name)
    return _attempt(
        lambda: RunFolder(folder).read_epochs(),
        lambda: RunFolder(folder).read_predictions("test", ("biased", "normal", "stuck")),
    )


READERS: dict[str, Reader] = {
    reader.__name__: reader for reader in (text, grid, roles, config, marks, artifact, checkpoint, metrics, tables)
}
