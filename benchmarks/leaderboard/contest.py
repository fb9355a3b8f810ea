"""One row of one table with one seed: trains every fold, tests it once, and keeps what came out as a record.

Letters: n windows.
"""

import hashlib
import json
import logging
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.leaderboard.sources import place_of
from benchmarks.leaderboard.tables import ROWS, TABLES, Row, Table
from utils.errors import UserError
from utils.files import write_text

logger = logging.getLogger(__name__)

RECORDS = Path(__file__).with_name("records.jsonl")
FIRST_SEED = 2021
QUICK = ("--train_epochs", "2")


def key_of(table: Table, row: Row, seed: int) -> str:
    """What a record is known by: another flag makes another record."""
    flags = json.dumps([table.flags, table.days, row.flags, seed])
    return f"{table.name}/{row.name}/{seed}/{hashlib.sha256(flags.encode()).hexdigest()[:8]}"


def records(path: Path = RECORDS) -> dict[str, dict[str, Any]]:
    """The records that are there, by their keys.

    Raises:
        UserError: a line is none.
    """
    if not path.is_file():
        return {}
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {line["key"]: line for line in lines}
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(f"{path} holds a line that is no record ({error}); take it out, and it is made again") from None


def missing(known: dict[str, Any], only: str, seeds: int, *, slow: bool) -> Iterator[tuple[Table, Row, int]]:
    """What has no record yet, seed by seed, so that a page that is not finished compares like with like."""
    tables, _, rows = only.partition("/")
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for table in TABLES:
            for row in ROWS:
                chosen = table.name in tables.split(",") or not tables
                chosen &= row.name in rows.split(",") or not rows
                chosen &= not row.only or table.name in row.only
                if chosen and (slow or not row.slow) and key_of(table, row, seed) not in known:
                    yield table, row, seed


def hold(table: Table, row: Row, seed: int, *, quick: bool, path: Path = RECORDS) -> dict[str, Any]:
    """Trains and tests, and appends the record to the file.

    Raises:
        UserError: the data is not there, or a package is missing.
    """
    started = time.monotonic()
    found = _tested(table, row, seed, quick=quick)
    record = {
        "key": key_of(table, row, seed), "table": table.name, "row": row.name, "seed": seed, **found,
        "seconds": round(time.monotonic() - started, 1), "quick": quick,
    }  # fmt: skip
    kept = {**records(path), record["key"]: record}
    write_text(path, "".join(json.dumps(kept[key]) + "\n" for key in sorted(kept)))
    return record


def _tested(table: Table, row: Row, seed: int, *, quick: bool) -> dict[str, Any]:
    import torch

    from data_provider.prepare import number_of_folds
    from exp.evaluation.diagnosis import FORMER
    from exp.evaluation.metrics import evaluate
    from exp.training.cross_validation import joined
    from utils.command_line import parse
    from utils.written import rounded

    words = shlex.split(f"train {table.flags} {row.flags} --device auto")
    options = parse([*words, "--root_path", str(place_of(table)), *(QUICK if quick else ())])
    options = options.replace(seed=seed, split_seed=FIRST_SEED if options.folds else seed)
    numbers = range(1, number_of_folds(options) + 1) if options.folds else [0]
    parts, marks, parameters = [], set(), 0
    for number in numbers:
        own = options.replace(folds=f"{number}/{len(numbers)}") if options.folds else options
        predictions, parameters, info = _fold(own, torch.device("cpu"))
        parts.append(predictions)
        marks |= set(info.marks)
    measures = rounded(evaluate(joined(parts), normal=info.normal, bootstrap=0))
    present = {name: FORMER.get(name, name) for name in SHOWN}  # records keep the names that they began with
    shown = {name: measures[now]["value"] for name, now in present.items() if now in measures}
    facts = {"windows": len(joined(parts).target), "folds": len(parts), "parameters": parameters}
    return {"measures": shown, **facts, "marks": sorted(marks)}


SHOWN = ("accuracy", "macro_f1", "false_alarm_rate", "detection_rate", "correct_type_rate", "log_loss")


def _fold(options: Any, device: Any) -> tuple[Any, int, Any]:
    """Test predictions of one fold, the model's parameters, and the facts of the data."""
    from data_provider import load_data
    from exp.evaluation.inference import exact, logits_of, predictions_of
    from exp.runs.run_folder import RunFolder
    from exp.training.automatic import choose
    from exp.training.fit_baseline import BaselineFit
    from exp.training.fit_network import NetworkFit
    from models.baselines import BASELINES
    from models.build import parameter_count
    from utils.seeding import seed_everything

    data = load_data(options)
    if options.auto:
        options, data, _ = choose(options, data, device)
    seed_everything(options.seed)
    kind = BaselineFit if options.model in BASELINES else NetworkFit
    place = Path(tempfile.mkdtemp(prefix="leaderboard-"))
    try:
        (place / "checkpoints").mkdir()
        fitted = kind(options, data, device).fit(RunFolder(place), lambda rows: None)
    finally:
        shutil.rmtree(place)
    model = exact(fitted.model)
    predictions = predictions_of("test", data.test, logits_of(model, data.test, device), data.info.classes)
    return predictions, parameter_count(fitted.model), data.info
