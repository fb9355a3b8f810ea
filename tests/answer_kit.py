"""Everything that is written of some runs, as one text: what processes on other processors are held to.

`python -m tests.answer_kit THREADS DATA RUN...` prints it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data_provider import load_data
from exp.detection.api import detect_files
from exp.evaluation.fitting import novelty_scores
from exp.evaluation.measure import answers_of, measures_of, part_logits, parts_of
from exp.runs.artifact import load_artifact
from utils.command_line import from_config
from utils.written import rounded

RATES = {"unknown_rate": 0.05, "false_alarm_rate": 0.05, "confirm": 20}


def everything(run: Path, source: Path, device: str = "cpu") -> dict[str, Any]:
    """What `test` and `detect` write of a run on a folder of trends, and the novelty scores in between."""
    place = torch.device(device)
    artifact = load_artifact(run / "model")
    data = load_data(from_config(run / "config.yaml"))
    model, decision = artifact.model.to(place), artifact.decision
    logits = part_logits(model, data, place)
    parts = parts_of(logits, data)
    places = np.arange(len(data.test))
    windows, events = detect_files(run, [source], stride=1, device=device, **RATES)
    return {
        "probabilities": parts["test"].written.tolist(),
        "measures": {part: measures_of(said, data.info.normal) for part, said in parts.items()},
        "novelty": novelty_scores(decision, model, data.test, places, logits["test"], place).tolist(),
        "answers": rounded(answers_of(model, data, decision, logits, place)),
        "windows": windows,
        "events": events,
    }


def main(threads: str, source: str, *runs: str) -> None:
    """Prints what is written of runs, by threads of this process."""
    torch.set_num_threads(int(threads))
    sys.stdout.write(json.dumps({run: everything(Path(run), Path(source)) for run in runs}, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
