"""The verb `train`: prepare the data, build a model, fit it, evaluate it once, write the run folder."""

import errno
import json
import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import torch

from data_provider import Prepared, load_data
from data_provider.leaks.guard import accepted_names, findings_of, refuse
from exp.runs.folds_folder import FoldsFolder
from exp.runs.run_folder import RunFolder
from exp.training import cross_validation
from exp.training.automatic import choose
from exp.training.choices import check_choices
from exp.training.fingerprint import FILE, FREE_TO_CHANGE
from exp.training.fit_baseline import BaselineFit
from exp.training.fit_network import NetworkFit
from exp.training.fitted import Fitted
from exp.training.like import like_files
from exp.training.pretrained import like_init
from exp.training.trainer import Interrupted, Unsaved
from models.baselines import BASELINES
from utils import distributed
from utils.errors import UserError
from utils.files import write_csv, write_text
from utils.lasting_output import lasting_output
from utils.logs import RunLog, log_to_screen
from utils.options import Options, flags
from utils.seeding import compute_deterministically, seed_everything
from utils.trackers.recorder import Recorder, chosen

logger = logging.getLogger(__name__)

# What a place to write to may lack: room, permission, itself.
UNWRITABLE = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.EIO,
    errno.ENOTDIR,
}


def run(options: Options) -> int:
    """Trains `--itr` times.

    Returns:
        The exit status.
    """
    with lasting_output():
        return _run(options)


def _run(options: Options) -> int:
    log_to_screen(logging.INFO if distributed.rank() == 0 else logging.ERROR)
    device = distributed.device_of(options.device)
    compute_deterministically(device)
    if options.disable_parallel:
        torch.set_num_threads(1)
    distributed.start(device)
    try:
        if options.resume:
            folder = RunFolder.find(options.resume, options, ended=False)
            with _alone(folder):
                folder.sweep()
                _resume(folder, options, device)
            return 0
        check_choices(options)
        options = like_files(options)
        if cross_validation.wanted(options):
            cross_validation.cross_validate(like_init(options), partial(_train, device=device))
        else:
            options = like_init(options)
            for i in range(options.itr):
                _train(options.replace(seed=options.seed + i, itr=1), None, device)
    except Interrupted as stopped:
        if not str(stopped):
            logger.info("stopped before the training began; nothing was written. Start the same command again")
            return 130
        lost = "what came after the last checkpoint is lost" if isinstance(stopped, Unsaved) else "nothing is lost"
        logger.info("stopped; %s. Go on with: python run.py --resume %s", lost, stopped)
        return 130
    finally:
        distributed.stop()
    return 0


def _resume(folder: RunFolder, given: Options, device: torch.device) -> None:
    """Goes on with a training, or with what is left of a cross-validation."""
    folder.check()
    options = _options_of_resume(folder, given)
    if options.disable_parallel:  # of the run, whose sums would differ in the last bit on more threads
        torch.set_num_threads(1)
    if FoldsFolder.is_one(folder.path):
        cross_validation.resume(FoldsFolder(folder.path), partial(_train, device=device))
    else:
        _train(options, folder, device)


def _train(options: Options, folder: RunFolder | None, device: torch.device) -> RunFolder:
    """One training: prepare, build, fit, evaluate, write. With a run folder, it goes on there."""
    started = time.monotonic()
    trackers = chosen(options.tracker)  # what is missing is said before data is read
    with ExitStack() as own, RunLog() as log:
        with distributed.first_goes_first():
            accepted = accepted_names(options.accept_leaks)
            data = load_data(options)
        if folder is None:  # a run that was begun goes on, whatever an earlier version let begin
            refuse(findings_of(data.info.report["leaks"]), accepted)  # type: ignore[arg-type]
        asked = options.model
        searched: list[dict] = []
        if folder is None and options.auto:
            options, data, searched = choose(options, data, device)
        seed_everything(options.seed)
        # Everything that can be wrong with the options is found before a folder is made.
        kind = BaselineFit if options.model in BASELINES else NetworkFit
        training = kind(options, data, device)
        options = training.options
        results = folder.results if folder else Path(options.result_path)
        recorder = Recorder(trackers if distributed.rank() == 0 else (), results=results)
        if folder:
            training.resume(folder)
        folder = folder or _shared_folder(options, asked)
        own.enter_context(_alone(folder))
        if distributed.rank() == 0:
            with _told(folder):
                log.write_to(folder.log)
                _note(training, folder, searched)
        training.announce()
        with recorder.recording(folder.path, options.to_dict(), stops=(Interrupted,)):
            try:
                fitted = training.fit(folder, recorder.epochs)
            except Interrupted as stopped:
                raise type(stopped)(str(folder.path)) from None
            if distributed.rank() == 0:
                with _told(folder):
                    _finish(folder, options, data, fitted, device, time.monotonic() - started)
                    recorder.finish(fitted.rows)
    return folder


def _alone(folder: RunFolder) -> AbstractContextManager[None]:
    """Nobody else may train in a folder; the processes of one training share it."""
    return folder.alone() if distributed.rank() == 0 else nullcontext()


@contextmanager
def _told(folder: RunFolder | None) -> Iterator[None]:
    """A file that cannot be written, as on a full disk, ends in one line; the checkpoints have what was trained."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        what = f"cannot write {error.filename2 or error.filename or 'the run folder'}: {error.strerror}"
        if folder is None or not folder.last.exists():
            raise UserError(f"{what}; make it writable, or name another --result_path, and start again") from None
        raise UserError(
            f"{what}; the trained weights are kept: once it can be written, finish with --resume {folder.path}"
        ) from None


def _note(training: BaselineFit | NetworkFit, folder: RunFolder, searched: list[dict]) -> None:
    """Writes fingerprint.json, what the run depends on beside its options, and how `--auto` chose these."""
    if searched:
        write_csv(folder.search, searched)
    if isinstance(training, NetworkFit):
        write_text(folder.path / FILE, json.dumps(training.trainer.fingerprint, indent=1) + "\n")


def _finish(
    folder: RunFolder, options: Options, data: Prepared, fitted: Fitted, device: torch.device, seconds: float
) -> None:
    """Evaluates what was fitted, and writes everything that a run leaves."""
    # Imported now: drawing and statistics take a second that training does not wait for.
    from exp.training.finalize import evaluate, write

    evaluation = evaluate(options, data, fitted.model, device)
    folder.checksums.forget(*folder.kept(), *folder.made())  # those of a run that is finished once more
    write(folder, options, data, fitted, evaluation, seconds)
    folder.note()


def _shared_folder(options: Options, model: str) -> RunFolder:
    """The run folder that rank 0 makes, on every process, beside the runs of the model that was asked for."""
    made = ""
    if distributed.rank() == 0:
        with _told(None):
            made = str(RunFolder.create(options, model=model).path)
    return RunFolder(Path(distributed.from_first(made)))


def _options_of_resume(folder: RunFolder, given: Options) -> Options:
    """The run's own options with those of the line that may change.

    Raises:
        UserError: the line asks for another run than the one that it resumes.
    """
    own = folder.options()
    changes = {name: getattr(given, name) for name in given.explicit if name != "resume"}
    for field in flags():
        name = field.name
        if name in changes and changes[name] != getattr(own, name) and name not in FREE_TO_CHANGE:
            raise UserError(
                f"--{name} {changes[name]} differs from the run's {getattr(own, name)}: {folder.path} would be two "
                "runs in one; leave the flag out, or start a new run"
            )
    resumed = own.replace(**changes)
    with _told(folder):
        folder.write_config(resumed)
    return resumed
