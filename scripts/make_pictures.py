"""Makes the pictures of the README from a finished run: `python scripts/make_pictures.py results/.../latest`."""

import sys
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from exp.reporting import plots  # noqa: E402
from exp.runs.run_folder import RunFolder  # noqa: E402

SHOWN = ("AHU_annual", "coi_stuck_025", "damper_stuck_075", "oa_bias_4")


def main(run_folder: str) -> None:
    """Draws four classes' Gramian images, and the confusion matrix, into docs/images."""
    folder = RunFolder(Path(run_folder).resolve())
    metrics = folder.read_metrics()
    images = REPOSITORY / "docs" / "images"
    images.mkdir(exist_ok=True)
    with np.load(folder.figures / "samples.npz", allow_pickle=False) as stored:
        windows = {name: stored[f"class {name}"] for name in SHOWN}
    plots.gramian_samples(windows, metrics["data"]["columns"], images / "gramian_samples.png")
    matrix = np.asarray(metrics["test"]["confusion"])
    plots.confusion_matrix(matrix, metrics["data"]["classes"], images / "confusion_matrix.png", "Test part")


if __name__ == "__main__":
    main(sys.argv[1])
