"""The verb `tune`: searches hyper-parameters on the validation part. The test part is never evaluated."""

import importlib.util
import logging
import multiprocessing
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from data_provider import Prepared, load_data
from data_provider.leaks.guard import accepted_names, findings_of, refuse
from exp.reporting.page import save
from exp.runs.run_folder import family_of
from exp.training.choices import check_choices
from exp.training.like import like_files
from exp.training.pretrained import like_init
from exp.training.search_space import Dimension, space_of, within
from exp.training.trainer import Interrupted
from utils import distributed
from utils.errors import UserError
from utils.files import csv_text
from utils.interrupt import StopRequest
from utils.lasting_output import lasting_output
from utils.logs import log_to_screen, silence
from utils.options import Options
from utils.seeding import compute_deterministically

if TYPE_CHECKING:
    from exp.training.study import Study

logger = logging.getLogger(__name__)

FOLDER, CSV = "tune", "trials.csv"  # of --result_path, and in the folder of a study
WAIT = 0.2  # seconds between looks at the processes
NEEDS = "python -m pip install optuna, or: pip install 'dualgafnet[tune]'"


def run(options: Options) -> int:
    """Makes the trials of a study that are not made yet, and prints the best command.

    Returns:
        0; 130 where the user stopped, with every finished trial kept.

    Raises:
        UserError: the search, the study or the data cannot be used, or no trial gave a result.
    """
    log_to_screen()
    with lasting_output():
        space = space_of(options)
        _check(options, space)
        options = like_init(like_files(options)).replace(study=options.study or f"{options.data}-{options.des}")
        study, folder = _opened(options, space)
        data = _checked_data(within(options, space), study)
        stopped = _make_trials(study, folder, data)
        return _finish(study, folder, stopped)


def _check(options: Options, space: Sequence[Dimension]) -> None:
    """Raises UserError for what can be known before data is read."""
    if distributed.world_size() > 1:
        raise UserError("tune is for one process; start it without torchrun, and give it --jobs")
    for name, why in (
        ("auto", "searches by itself"),
        ("resume", "is for a training; the same tune again goes on with its study"),
        ("itr", "is for trainings; tune makes one of each settings"),
    ):
        if name in options.explicit:
            raise UserError(f"--{name} {why}; leave it out")
    if options.folds and "/" not in options.folds:
        raise UserError(f"--folds {options.folds} is several splits; tune on one of them, as --folds 1/5")
    if importlib.util.find_spec("optuna") is None:
        raise UserError(f"tune needs Optuna, which is not installed; {NEEDS}")
    options = within(options, space)
    check_choices(options)
    for dimension in space:
        for value in dimension.ends:
            changes = {dimension.name: value, "explicit": options.explicit | {dimension.name}}
            try:
                check_choices(options.replace(**changes))
            except UserError as error:
                raise UserError(f"--search {dimension.name}: {error}") from None


def _opened(options: Options, space: Sequence[Dimension]) -> tuple["Study", Path]:
    """The study, and the folder of its trials.csv."""
    from exp.training.study import Study  # Optuna takes a while to import

    family_of(options.replace(des=str(options.study)))  # the study's name names a folder
    folder = Path(options.result_path) / FOLDER / str(options.study)
    return Study(options, space, folder / "study.log"), folder


def _checked_data(options: Options, study: "Study") -> Prepared:
    accepted = accepted_names(options.accept_leaks)
    data = load_data(options)
    refuse(findings_of(data.info.report["leaks"]), accepted)  # type: ignore[arg-type]
    study.begin(data)
    return data


def _make_trials(study: "Study", folder: Path, data: Prepared) -> bool:
    """Makes the trials that are left; True if the user stopped."""
    options = study.options
    before = study.left()
    logger.info("study %s: %d of %d trials are left", study.name, before, max(before, options.trials))
    while left := study.left():
        if options.jobs == 1 or left == 1:
            stopped = _work(study, folder, data, multiprocessing.Value("i", left))
        else:
            stopped = _work_together(study, folder, left)
        if stopped:
            return True
        if study.left() == left:
            raise UserError("no process made a trial; see the lines above, or take --jobs 1")
    return False


def _work(study: "Study", folder: Path, data: Prepared, left: Any) -> bool:
    """Makes trials until none is left to take; True if the user stopped."""
    device = distributed.device_of(study.options.device)
    compute_deterministically(device)
    if study.options.disable_parallel:
        torch.set_num_threads(1)
    with StopRequest() as stop:
        while not stop.made and not _is_orphan() and _taken(left):
            try:
                study.make_trial(data, device)
            except Interrupted:
                stop.made = True
            _write(folder, study.rows())
    return stop.made


def _is_orphan() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def _taken(left: Any) -> bool:
    with left.get_lock():
        left.value -= 1
        return left.value >= 0


def _work_together(study: "Study", folder: Path, left: int) -> bool:
    """Makes trials in several processes; True if the user stopped."""
    context = multiprocessing.get_context("spawn")
    counter = context.Value("i", left)
    arguments = (study.options, study.space, counter)
    processes = [context.Process(target=_process, args=arguments) for _ in range(min(study.options.jobs, left))]
    try:
        with StopRequest() as stop:
            for process in processes:
                process.start()
            told = False
            while any(process.is_alive() for process in processes):
                for process in processes:
                    process.join(WAIT / len(processes))
                if stop.made and not told:
                    told = True
                    for process in processes:
                        process.terminate()  # it finishes its micro-batch, as after Ctrl-C
    finally:
        for process in processes:
            if process.pid is not None:
                process.kill()
    return stop.made


def _process(options: Options, space: Sequence[Dimension], left: Any) -> None:
    """What each of several processes does."""
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C is for the process that waits for this one, and tells it
    log_to_screen()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // options.jobs))
    try:
        study, folder = _opened(options, space)
        with silence():
            data = load_data(within(options, space))
        _work(study, folder, data, left)
    except UserError as error:
        logger.error("%s", error)


def _finish(study: "Study", folder: Path, stopped: bool) -> int:
    """Says what came of it; the best command is the last line."""
    rows, best = study.rows(), study.best()
    _write(folder, rows)
    states = Counter(row["state"] for row in rows)
    logger.info("%d trials: %s", len(rows), ", ".join(f"{number} {state}" for state, number in states.items()))
    print(f"trials: {folder / CSV}")
    if stopped:
        print("stopped; every trial that ended is kept. The same command goes on")
    if best is None:
        if stopped:
            return 130
        why = next((row["note"] for row in reversed(rows) if row["note"]), "all ended early")
        raise UserError(f"no trial gave a result ({why}); search other values")
    row = rows[best.number]
    print(
        f"best, trial {best.number}: macro-F1 {row['val_macro_f1']}, accuracy {row['val_accuracy']}, "
        f"log loss {row['val_log_loss']} on validation"
    )
    options = study.options_of(best)
    print(options.command(always=options.explicit))
    return 130 if stopped else 0


def _write(folder: Path, rows: list[dict[str, Any]]) -> None:
    save(folder / CSV, csv_text(list(rows[0]) if rows else [], rows))
