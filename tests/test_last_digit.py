"""The same window gets the same bits: from `test`, from the artifact in another process, and from `detect`."""

import csv
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.catalogue import _info
from data_provider.trends.files import trend_files
from exp import detect
from exp.artifact import load_artifact
from exp.build import model_of
from exp.catalogue import NETWORK_PARTS
from exp.evaluate import EVALUATION_BATCH, answer, evaluation_mode, in_batches
from models import MODELS
from tests.conftest import REPOSITORY
from tests.kit import train, write_folder
from utils.command_line import parse
from utils.options import Options

SIGNALS, STEPS, WINDOWS = 5, 16, 75  # odd numbers, whose tensors fill no register
CPU = torch.device("cpu")
KINDS = {
    "default": (),
    "OneDCNN": ("--model", "OneDCNN"),
    "dilated": ("--extractor", "dilated"),
    "boosting": ("--model", "HistGradientBoosting"),
}
# What a person does with the model folder alone, in a process of their own and on another number of threads.
BY_ARTIFACT = """
import json, sys, torch
from pathlib import Path
from data_provider import load_data
from exp.artifact import load_artifact
from exp.judge import judge_parts

torch.set_num_threads(3)
artifact = load_artifact(Path(sys.argv[1]))
parts = judge_parts(artifact.model, load_data(artifact.options), torch.device("cpu"))
print(json.dumps(parts["test"].probabilities.tolist()))
"""


def windows(count: int = WINDOWS) -> torch.Tensor:
    """(n, C, L) random walks."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, SIGNALS, STEPS, generator=generator).mul_(0.2).cumsum(-1).clamp_(-1, 1)


def network(**chosen) -> torch.nn.Module:
    torch.manual_seed(0)
    info = dataclasses.replace(_info(), columns=tuple(f"signal {i}" for i in range(SIGNALS)), seq_len=STEPS)
    return model_of(Options(**{"feature_dim": 8, **chosen}), info).eval()


@pytest.mark.parametrize(
    "chosen",
    [{"model": name} for name in MODELS]
    + [{flag: name} for flag in NETWORK_PARTS for name in NETWORK_PARTS[flag] if flag != "ablation_mode"],
    ids=lambda chosen: "-".join(map(str, *chosen.items())),
)
def test_neither_place_nor_company_changes_an_answer(chosen):
    model, x = network(**chosen), windows(2 * EVALUATION_BATCH)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
    with evaluation_mode(model):
        for size in (EVALUATION_BATCH, 1):
            straight = torch.cat([answer(model, piece, CPU)[0] for piece in x.split(EVALUATION_BATCH)])
            mixed = torch.cat([answer(model, piece, CPU)[0] for piece in x[order].split(size)])
            assert torch.equal(mixed, straight[order])
            x, order = x[:5], torch.arange(5)


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_changes_no_answer(threads):
    model, x = network(feature_dim=32), windows()
    before = torch.get_num_threads()

    def logits() -> torch.Tensor:
        pieces = in_batches(lambda places: answer(model, x[places], CPU)[0], model, np.arange(len(x)), CPU)
        return torch.cat(list(pieces))

    try:
        torch.set_num_threads(1)
        alone = logits()
        torch.set_num_threads(threads)
        assert torch.equal(logits(), alone)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_a_mistake_in_a_batch_is_not_lost():
    def work(places: np.ndarray) -> None:
        raise ValueError(f"window {places[0]}")

    with pytest.raises(ValueError, match="window 0"):
        list(in_batches(work, network(), np.arange(WINDOWS), CPU))


def test_more_windows_than_a_batch_holds_are_refused():
    with pytest.raises(RuntimeError):
        answer(network(), windows(EVALUATION_BATCH + 1), CPU)


@pytest.fixture(scope="module", params=list(KINDS))
def trained(request, tmp_path_factory) -> tuple[Path, Path]:
    """A data folder, and the run folder of a model trained on it."""
    base = tmp_path_factory.mktemp(request.param)
    write_folder(base / "data", days=5)
    status, folder = train(base / "data", base / "runs", "--train_epochs", "1", *KINDS[request.param])
    assert status == 0
    return base / "data", folder


def test_the_artifact_answers_as_test_did(trained):
    folder = trained[1]
    environment = {**os.environ, "OMP_NUM_THREADS": "3"}
    command = [sys.executable, "-c", BY_ARTIFACT, str(folder / "model")]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    written = [[float(row[name]) for name in row if name.startswith("p_")] for row in rows(folder, "predictions_test")]
    assert len(written) % EVALUATION_BATCH  # so the last batch is filled up
    assert found == written


def test_detect_answers_as_test_did(trained):
    data, folder = trained
    options = parse(["detect", "--input", str(data / "stuck.csv"), "--stride", "1"])
    judged = detect._detector(options, load_artifact(folder / "model")).read(trend_files(data / "stuck.csv")[0])
    mine = dict(zip(map(str, judged.start), judged.probabilities.tolist(), strict=True))
    tested = [row for row in rows(folder, "predictions_test") if row["file"] == "stuck" and row["start"] in mine]
    assert len(tested) > 5
    for row in tested:
        assert mine[row["start"]] == [float(row[name]) for name in row if name.startswith("p_")]


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
