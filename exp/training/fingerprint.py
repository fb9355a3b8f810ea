"""What a training depends on beside its checkpoint: options, data and split, so that a resume is of the same run."""

import logging
from pathlib import Path
from typing import Any

from data_provider import Prepared
from data_provider.prepare import data_files
from utils.errors import UserError
from utils.files import digest_of
from utils.former_options import of_today
from utils.options import Options

logger = logging.getLogger(__name__)

# What may differ between a run and its resume; everything else would make another run of it.
FREE_TO_CHANGE = {
    "train_epochs",
    "patience",
    "num_workers",
    "device",
    "disable_parallel",
    "resume",
    "config",
    "itr",
    "run",
    "tracker",
    "cuda_graphs",
    "checkpoint_minutes",
    "max_bad_steps",
    "cache_path",
    "accept_leaks",
}
FILE = "fingerprint.json"  # in the run folder
Fingerprint = dict[str, Any]


def fingerprint_of(options: Options, data: Prepared) -> Fingerprint:
    """SHA-256 of every data file, of the readings made of them, and of each part's windows.

    The files are read again: a file may change within the same size and time, and prepared data from the cache would
    not show it.
    """
    parts = {"train": data.train, "val": data.val, "test": data.test}
    digests = {name: windows.digests() for name, windows in parts.items()}
    return {
        "files": {name: digest_of(path) for name, path in sorted(data_files(options).items())},
        "readings": digests["train"][0],
        "split": {name: windows for name, (_, windows) in digests.items()},
    }


def compare(stored: Any, own: Fingerprint | None, source: Path) -> None:
    """Holds a checkpoint's data and split against those of today.

    Args:
        stored: the checkpoint's, None where an older program wrote it.
        own: of the data as it is now, None where the training has none.
        source: the checkpoint, for messages.

    Raises:
        UserError: they differ; names what does.
    """
    if own is None:
        return
    if stored is None:
        logger.warning("%s has no fingerprint: an older program wrote it, so whether the data is the same is unknown",
                       source)  # fmt: skip
        return
    then, now = dict(stored.get("files", {})), own["files"]
    remedy = "put the former data back, or start a new run"
    for name in sorted({*then, *now}):
        if name not in now:
            raise UserError(f"{source}: the run was trained on {name}, which is not there any more; {remedy}")
        if name not in then:
            raise UserError(f"{source}: the data has a file that the run was not trained on, {name}; {remedy}")
        if then[name] != now[name]:
            raise UserError(f"{source}: {name} is not the file that the run was trained on; {remedy}")
    if stored.get("readings") != own["readings"]:
        raise UserError(f"{source}: the readings made of the data differ from the run's; start a new run")
    for part, digest in own["split"].items():
        if stored.get("split", {}).get(part) != digest:
            raise UserError(f"{source}: the {part} windows are not those of the run; start a new run")


def compare_options(stored: dict[str, Any], options: Options, source: Path) -> None:
    """Holds the options that a checkpoint was trained with against those of the run folder.

    Raises:
        UserError: one differs that may not; names it.
    """
    own = options.to_dict()
    for name, then in of_today(stored).items():
        if name not in FREE_TO_CHANGE and name in own and own[name] != then:
            raise UserError(
                f"{source} was trained with --{name} {then}, and config.yaml has {own[name]}: it would be two runs in "
                "one; put the former value back, or start a new run"
            )
