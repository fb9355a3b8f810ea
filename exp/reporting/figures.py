"""The figures of a run, drawn from its folder alone."""

import functools
import io
import zipfile
import zlib
from pathlib import Path

import numpy as np

from data_provider import Prepared
from exp.reporting import plots
from exp.reporting.style import stamp
from exp.runs.leak_marks import mark_of
from exp.runs.record import read_run
from exp.runs.run_folder import RunFolder
from utils.errors import UserError
from utils.files import write_bytes
from utils.safe_reading import one_line, refuse_links_out

LARGEST_SAMPLES = 2**28  # bytes


def save_samples(folder: RunFolder, data: Prepared) -> None:
    """Keeps one training window a class for the Gramian figure.

    Where the classes were measured at the same times, as in simulated runs, the windows begin at the same moment, so
    that only the fault differs; of such moments, the liveliest of up to 40. Elsewhere it is each class's liveliest.
    """
    folder.figures.mkdir(exist_ok=True)
    starts, targets = data.train.start, data.train.targets
    present = [number for number in range(len(data.info.classes)) if (targets == number).any()]
    shared = functools.reduce(np.intersect1d, (starts[targets == number] for number in present))
    if len(shared):
        moments = shared[np.linspace(0, len(shared) - 1, min(40, len(shared))).astype(int)]
        choices = np.array([[_first(starts, targets, t, number) for number in present] for t in moments])  # (m, K)
        movement = [data.train.gather(row).x.std(-1).mean() for row in choices]
        chosen = choices[int(np.argmax(movement))]
    else:
        chosen = np.array([_liveliest(data, np.flatnonzero(targets == number)[:200]) for number in present])
    windows = data.train.gather(chosen).x.numpy()
    samples = {f"class {data.info.classes[number]}": x for number, x in zip(present, windows, strict=True)}
    packed = io.BytesIO()
    np.savez_compressed(packed, **samples)
    folder.checksums.forget(folder.samples)
    write_bytes(folder.samples, packed.getvalue())


def _first(starts: np.ndarray, targets: np.ndarray, moment: np.datetime64, number: int) -> int:
    return int(np.flatnonzero((starts == moment) & (targets == number))[0])


def _liveliest(data: Prepared, indices: np.ndarray) -> int:
    return int(indices[int(data.train.gather(indices).x.std(-1).mean(1).argmax())])


def draw_figures(folder: RunFolder) -> list[Path]:
    """Draws every figure of a finished run into its `figures/`.

    Raises:
        UserError: a file of the run is missing or damaged.
    """
    run = read_run(folder.path)
    refuse_links_out(folder.figures, folder.path)
    folder.figures.mkdir(exist_ok=True)
    folder.checksums.forget(*folder.made())
    metrics, part = run.metrics, run.metrics[run.evaluated]
    classes = metrics["data"]["classes"]
    drawn = []
    if metrics["epochs"]:  # 0 where the model was fitted at once
        best = metrics["best_epoch"]
        drawn.append(plots.curves(folder.read_epochs(), folder.figures / "curves.png", best_epoch=best))
    title = "Test part" if run.evaluated == "test" else "Validation part"
    drawn.append(
        plots.confusion_matrix(np.asarray(part["confusion"]), classes, folder.figures / "confusion_matrix.png", title)
    )
    if run.predictions:
        confidence = np.array([float(row["confidence"]) for row in run.predictions])
        correct = np.array([row["target"] == row["predicted"] for row in run.predictions])
        drawn.append(plots.reliability(confidence, correct, folder.figures / "reliability.png"))
    drawn.append(plots.class_bars(part["per_class"], folder.figures / "class_bars.png"))
    if folder.samples.exists() or folder.samples.is_symlink():
        windows = _read_samples(folder, len(metrics["data"]["columns"]))
        drawn.append(plots.gramian_samples(windows, metrics["data"]["columns"], folder.figures / "gramian_samples.png"))
    if mark := mark_of(metrics["data"]):
        for path in drawn:
            stamp(path, mark)
    return drawn


def _read_samples(folder: RunFolder, signals: int) -> dict[str, np.ndarray]:
    """Class -> (C, L) window, from samples.npz.

    Raises:
        UserError: it is damaged, or holds something else.
    """
    repair = "copy it again, or delete it to draw no samples"
    content = folder.checksums.read(folder.samples, largest=LARGEST_SAMPLES)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_SAMPLES:
            raise ValueError(f"unpacked it has {unpacked} bytes")
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            windows = {name.removeprefix("class "): stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise UserError(f"{folder.samples} cannot be used ({one_line(str(error))[:80]}); {repair}") from None
    if not windows or not all(_is_window(window, signals) for window in windows.values()):
        raise UserError(f"{folder.samples} does not hold windows of {signals} signals; {repair}")
    return windows


def _is_window(window: np.ndarray, signals: int) -> bool:
    kind = window.dtype.kind == "f" and window.ndim == 2
    return kind and len(window) == signals and window.shape[1] > 1 and bool(np.isfinite(window).all())
