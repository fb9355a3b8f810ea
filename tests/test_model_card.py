"""The model card: its numbers are those of the run, and no name of a class or column gets out of its cell."""

import dataclasses
import hashlib
import html
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from huggingface_hub import ModelCard

import run
from data_provider import load_data
from data_provider.trends.files import trend_files
from exp.detection.load import load_detector
from exp.evaluation.measure import answers_of
from exp.reporting import model_card, rates
from exp.reporting.markdown import code_block, escaped
from exp.runs.artifact import load_artifact
from exp.runs.run_folder import RunFolder
from tests.kit import train, write_folder
from utils.command_line import parse

HOSTILE = ("normal", "a|b `<script>alert(1)", "*_[x](y)_* # & \\ ~$")
HOSTILE_COLUMNS = {"SUPPLY": "S|A <img src=x onerror=alert(1)>", "OUTDOOR": "`O`A``", "FAN": "<!-- _fan_ -->"}


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    """A run whose classes, columns and file names hold everything that Markdown takes for a sign."""
    base = tmp_path_factory.mktemp("card")
    folder = write_folder(base / "data", names=HOSTILE)
    for path in folder.glob("*.csv"):
        pd.read_csv(path).rename(columns=HOSTILE_COLUMNS).to_csv(path, index=False)
    status, made = train(folder, base / "results", "--batch_size", "4", "--target_batch_size", "8")
    assert status == 0
    return made


@pytest.fixture(scope="module")
def forest(tmp_path_factory) -> Path:
    """A baseline on a split that leaks."""
    base = tmp_path_factory.mktemp("baseline")
    status, made = train(write_folder(base / "data"), base / "results", "--model", "RandomForest", "--split", "random")
    assert status == 0
    return made


def card_of(folder: Path) -> str:
    return (folder / "model" / "README.md").read_text(encoding="utf-8")


def body(card: str) -> str:
    return card.split("\n---\n", 1)[1]


def tables(card: str) -> dict[tuple[str, ...], list[list[str]]]:
    """Header -> rows of every table, cells as a reader sees them."""
    found: dict[tuple[str, ...], list[list[str]]] = {}
    for block in re.findall(r"(?:^\|.*\n)+", body(card), flags=re.MULTILINE):
        lines = [[html.unescape(cell.strip()) for cell in line.strip()[1:-1].split("|")] for line in block.splitlines()]
        header, rows = tuple(lines[0]), lines[2:]
        assert all(len(row) == len(header) for row in rows), block
        found[header] = rows
    return found


def sections(card: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", body(card), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def metrics_of(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("kind", ["network", "forest"])
def test_every_section_says_something(kind, request):
    found = sections(card_of(request.getfixturevalue(kind)))
    assert list(found) == [
        "What it is", "Data", "Windows", "Split, and the leaks accepted", "Training", "Results",
        "Unknown, and no answer", "Limits", "How to use it", "Files", "Licence",
    ]  # fmt: skip
    for name, text in found.items():
        assert len(text.split()) > 15, name
        assert "None" not in text, name


@pytest.mark.parametrize("kind", ["network", "forest"])
def test_the_numbers_are_those_of_the_run(kind, request):
    folder = request.getfixturevalue(kind)
    metrics, found = metrics_of(folder), tables(card_of(folder))
    shown = {row[0]: row[2:] for row in found["measure", "meaning", "validation", "test"]}
    for title, name in {"Accuracy": "accuracy", "Macro-F1": "macro_f1", "Calibration error (ECE)": "ece"}.items():
        for cell, part in zip(shown[title], ("val", "test"), strict=True):
            measure = metrics[part][name]
            bounded = measure["low"] is not None  # all draws agree on a perfect macro-F1
            assert cell == ("{value:.3f} ({low:.3f} to {high:.3f})" if bounded else "{value:.3f}").format(**measure)
    seen = {row[0]: row[2:] for row in found["measure", "meaning", *rates.HEADER]}
    part, said = metrics["test"], metrics["answers"]["test"]
    measured = [m["detection_rate"]["value"] for m in (part, part["per_day"], said["per_window"], said["per_day"])]
    assert [cell[:5] for cell in seen["Detection rate"]] == [f"{value:.3f}" for value in measured]
    assert seen["No-answer rate"][:2] == ["-", "-"], "the most probable class is always an answer"
    classes = {row[0]: row[1:] for row in found["class", "precision", "recall", "F1", "windows"]}
    assert list(classes) == metrics["data"]["classes"]
    for name, row in metrics["test"]["per_class"].items():
        assert classes[name] == [*(f"{row[key]:.3f}" for key in ("precision", "recall", "f1")), str(row["support"])]
    windows = {row[0]: row[1:] for row in found["class", "training", "validation", "test"]}
    for k, name in enumerate(metrics["data"]["classes"]):
        counts = [f"{metrics['data']['counts'][p][k]} ({metrics['days'][p][k]})" for p in ("train", "val", "test")]
        assert windows[name] == counts


@pytest.mark.parametrize("kind", ["network", "forest"])
def test_a_model_hub_reads_the_front_matter(kind, request):
    folder = request.getfixturevalue(kind)
    metrics = metrics_of(folder)
    data = ModelCard.load(folder / "model" / "README.md").data
    results = {result.metric_name: result for result in data.eval_results}
    assert results["Accuracy"].metric_value == metrics["test"]["accuracy"]["value"]
    assert results["Macro-F1"].metric_value == metrics["test"]["macro_f1"]["value"]
    assert results["Accuracy"].dataset_split == "test"
    assert data.model_name == metrics["model"]["name"]
    assert set(data.metrics) == {"accuracy", "f1"}
    assert ("leaking-split" in data.tags) == metrics["data"]["leaking"]
    assert yaml.safe_load(card_of(folder).split("---\n")[1])["datasets"] == ["folder"]


def test_hostile_names_stay_in_their_cells_and_read_as_they_are(network):
    card = card_of(network)
    found = tables(card)
    assert [row[0] for row in found["class", "precision", "recall", "F1", "windows"]] == [
        HOSTILE[0],
        *sorted(HOSTILE[1:]),
    ]
    names = [row[0] for row in found["signal", "unit", "least", "most"]]
    assert set(HOSTILE_COLUMNS.values()) <= set(names)
    assert {f"{name}.csv" for name in HOSTILE} == {row[0] for row in found["file", "rows", "from", "to"]}
    outside_code = re.sub(r"(`{3,})\w*\n.*?\n\1|`[^`\n]*`", "", body(card), flags=re.DOTALL)
    assert not re.search(r"<\s*/?\s*[a-zA-Z!]", outside_code)
    assert "`" not in outside_code
    assert str(network.parents[4]) not in card  # nobody's folders


def test_hostile_names_are_text_to_a_markdown_program(network):
    markdown = pytest.importorskip("markdown", reason="the package Markdown, which comes with tensorboard, is absent")
    page = markdown.markdown(body(card_of(network)), extensions=["tables", "fenced_code"])
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z!][\w!-]*)", page))
    assert tags <= {"h1", "h2", "p", "ul", "li", "strong", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"}
    cells = [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", page)]
    assert {*HOSTILE, *HOSTILE_COLUMNS.values()} <= set(cells)


@pytest.mark.parametrize("text", ["a\nb", "x\r\n| y", "\u202eabc", "\x00\x1b[31m", "# h", "- x", "__init__", "1|2", ""])
def test_an_escaped_text_is_one_line_without_signs(text):
    shown = escaped(text)
    assert not re.search(r"[\x00-\x1f\u202e|`<>*\[\]\\]", shown)
    assert html.unescape(shown) == " ".join(re.sub(r"[\x00-\x1f\u202e]+", " ", text).split(" ")).strip()


def test_a_code_block_holds_any_row_of_backticks():
    text = "a ``` b\n`````\nc"
    first, *inside, last = code_block(text, "bash").splitlines()
    assert (first, last) == ("``````bash", "``````")
    assert "\n".join(inside) == text


def test_a_leaking_split_is_said_before_anything_else(forest, network):
    assert body(card_of(forest)).strip().splitlines()[2].startswith("> **THE SPLIT LEAKS.")
    assert "LEAK" not in card_of(network)
    assert "The protocol leaks" in sections(card_of(forest))["Split, and the leaks accepted"]


def test_training_settings_are_those_of_the_run(network, forest):
    found = sections(card_of(network))["Training"]
    assert "| effective batch | 8 windows an optimizer step |" in found
    assert "| micro-batch | 4 windows |" in found
    assert "| loss | cross_entropy |" in found
    assert f"torch {torch.__version__}" in found
    assert "| seed | 2021 |" in found
    assert "fitted at once" in sections(card_of(forest))["Training"]


def test_files_are_named_with_their_sums(network):
    listed = {row[0]: row[1:] for row in tables(card_of(network))["file", "bytes", "SHA-256"]}
    there = {path.name: path for path in (network / "model").iterdir() if path.name != "README.md"}
    assert set(listed) == set(there)
    for name, path in there.items():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert listed[name] == [f"{path.stat().st_size:,}", f"`{digest}`"]


def test_what_is_called_unknown_is_counted_as_detect_decides(network):
    source = network.parents[4] / "data"
    words = ["detect", "--run", str(network), "--input", str(source), "--output", "unused", "--stride", "1"]
    detector = load_detector(parse(words))
    verdicts = {}
    for found in trend_files(source):
        evaluated = detector.read(found)
        verdicts |= {
            (found.path.stem, evaluated.clock(t)): v for t, v in zip(evaluated.start, evaluated.verdict, strict=True)
        }
    called = []
    for part in ("val", "test"):
        table = pd.read_csv(network / f"predictions_{part}.csv")
        mine = [verdicts[row.file, row.start] for row in table.itertuples()]
        counted = metrics_of(network)["answers"][part]
        assert [mine.count("unknown"), mine.count("no answer")] == [counted["unknown"], counted["no answer"]]
        assert counted["windows"] == len(table)
        told, normal = counted["per_window"], (table.target == "normal").to_numpy()
        named = ~np.isin(mine, ["normal", "unknown", "no answer"])
        assert told["no_answer_rate"]["value"] == pytest.approx(mine.count("no answer") / len(mine), abs=1e-6)
        assert told["unknown_rate"]["value"] == pytest.approx(mine.count("unknown") / len(mine), abs=1e-6)
        assert told["detection_rate"]["value"] == pytest.approx(named[~normal].mean(), abs=1e-6)
        assert told["false_alarm_rate"]["value"] == pytest.approx(named[normal].mean(), abs=1e-6)
        called += mine
    assert 0 < called.count("unknown") < len(called)


def test_windows_outside_the_training_range_count_as_no_answer(network):
    data, artifact = load_data(RunFolder(network).options()), load_artifact(network / "model")
    logits = {"val": torch.randn(len(data.val), 3), "test": torch.randn(len(data.test), 3)}
    lower = artifact.decision.lower.copy()
    lower[0] = artifact.decision.upper[0]  # every reading of the first signal is too low now
    narrow = dataclasses.replace(artifact.decision, lower=lower)
    found = answers_of(artifact.model, data, narrow, logits, torch.device("cpu"))
    assert (found["test"]["no answer"], found["test"]["unknown"]) == (len(data.test), 0)


def test_report_writes_it_again_and_test_leaves_it(network):
    path = network / "model" / "README.md"
    first = path.read_bytes()
    path.write_text("changed by hand\n")
    assert run.main(["test", "--run", str(network)]) == 0
    assert path.read_text() == "changed by hand\n"
    assert run.main(["report", "--run", str(network)]) == 0
    assert path.read_bytes() == first


def test_limits_name_the_classes_that_were_never_tested(network, tmp_path):
    folder = tmp_path / network.name
    shutil.copytree(network, folder)
    metrics = metrics_of(network)
    metrics["test"]["per_class"][HOSTILE[1]]["support"] = 0
    metrics["data"]["report"]["simulated"] = True
    metrics["data"]["normal"] = None
    (folder / "checksums.json").unlink()
    (folder / "metrics.json").write_text(json.dumps(metrics))
    model_card.write(RunFolder(folder))
    text = html.unescape(sections(card_of(folder))["Limits"])
    assert f"Never tested, for lack of windows: {HOSTILE[1]}." in text
    assert "The data is simulated." in text
    assert "cannot call a unit fault-free" in text
    assert "The files span 12 days" in text


def test_a_run_of_an_older_program_gets_no_card_and_a_word(network, tmp_path, caplog):
    folder = tmp_path / "old"
    shutil.copytree(network, folder)
    metrics = metrics_of(network)
    del metrics["answers"]
    (folder / "checksums.json").unlink()
    (folder / "metrics.json").write_text(json.dumps(metrics))
    assert model_card.write(RunFolder(folder)) is None
    assert "no model card" in caplog.text
