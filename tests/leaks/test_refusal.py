"""A training whose data leaks ends with 2 before a run folder is made; what is accepted stays on every number."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

import run
from data_provider.leaks.finding import LEVELS, Finding
from data_provider.leaks.guard import CHECKS, accepted_names, refuse
from tests.conftest import REPOSITORY
from tests.kit import SMALL, train, write_folder
from utils.errors import UserError

FOREST = ("--model", "RandomForest")


def leaky(folder: Path) -> Path:
    """Two faults that are one file."""
    write_folder(folder)
    shutil.copy(folder / "stuck.csv", folder / "biased.csv")
    return folder


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("accepted")
    status, made = train(leaky(base / "data"), base / "results", *FOREST, "--accept_leaks", "identical_content")
    assert status == 0
    return made


def test_a_leak_ends_the_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, results = leaky(tmp_path / "data"), tmp_path / "results"
    status = run.main(["--data", "folder", "--root_path", str(data), "--result_path", str(results), "--seq_len", "16"])
    assert status == 2
    told = capsys.readouterr().err
    assert "run.py: the data gives its labels away" in told
    assert "1. identical_content: 1,152 of 1,152 rows of biased and stuck are the same" in told
    assert "--accept_leaks identical_content" in told
    assert not results.exists()


def test_folds_are_refused_before_their_folder_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "folder", "--root_path", str(leaky(tmp_path / "data")), *SMALL, *FOREST, "--folds", "2"]
    assert run.main([*words, "--result_path", str(tmp_path / "results")]) == 2
    assert capsys.readouterr().err.count("identical_content: ") == 1  # once for both folds
    assert not (tmp_path / "results").exists()
    assert run.main([*words, "--result_path", str(tmp_path / "results"), "--accept_leaks", "all"]) == 0
    (whole,) = (tmp_path / "results").glob("*/*/*/*-folds")
    assert json.loads((whole / "metrics.json").read_text(encoding="utf-8"))["marks"] == ["identical_content"]


@pytest.mark.parametrize("names", ["all", "digits, identical_content"])
def test_an_accepted_leak_does_not(tmp_path: Path, names: str) -> None:
    status, _ = train(leaky(tmp_path / "data"), tmp_path / "results", *FOREST, "--accept_leaks", names)
    assert status == 0


def test_all_serious_findings_are_listed_and_only_those() -> None:
    findings = [
        Finding(check=check, level=level, words=f"{check} {level}", remedy="correct it")
        for check, level in (("digits", "stop"), ("sampling", "stop"), ("same_day", "mark"), ("flows", "note"))
    ]
    with pytest.raises(UserError) as told:
        refuse(findings, ())
    assert re.findall(r"(\d)\. (\w+)", str(told.value)) == [("1", "digits"), ("2", "sampling")]
    assert str(told.value).endswith("--accept_leaks digits,sampling")
    with pytest.raises(UserError, match=r"1\. sampling"):
        refuse(findings, ("digits",))
    refuse(findings, ("digits", "sampling"))
    refuse(findings, ("all",))


def test_a_name_that_no_check_has_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert accepted_names(" digits,all , digits") == ("digits", "all")
    words = ["--data", "folder", "--root_path", str(write_folder(tmp_path / "data")), "--accept_leaks", "digit"]
    assert run.main(words) == 2
    told = capsys.readouterr().err
    assert "unknown leak 'digit'" in told
    assert all(name in told for name in CHECKS)


def test_the_mark_stays_on_every_number(accepted: Path) -> None:
    metrics = json.loads((accepted / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["data"]["marks"] == ["identical_content"]
    findings = [Finding.from_dict(found) for found in metrics["data"]["report"]["leaks"]["findings"]]
    assert {found.check for found in findings if found.level == LEVELS[0]} == {"identical_content"}
    with (accepted / "best_model_summary.csv").open(encoding="utf-8") as file:
        assert [row["leaks"] for row in csv.DictReader(file)] == ["identical_content"]
    log = (accepted / "training.log").read_text(encoding="utf-8")
    assert "leak: identical_content: 1,152 of 1,152 rows" in log
    assert len(re.findall(r"(val|test): accuracy .*; leaks: identical_content", log)) == 2


def test_the_mark_stays_on_report_card_and_artifact(accepted: Path) -> None:
    page = (accepted / "report.html").read_text(encoding="utf-8")
    assert "<b>Leaks are known.</b> identical_content: 1,152 of 1,152 rows of biased and stuck" in page
    assert page.count("; leaks: identical_content") == 2  # beside accuracy and macro-F1
    card = (accepted / "model" / "README.md").read_text(encoding="utf-8")
    assert "- known-leaks" in card
    assert "> **LEAKS ARE KNOWN: identical" in card
    assert "content: 1,152 of 1,152 rows of biased and stuck" in card
    assert json.loads((accepted / "model" / "model.json").read_text())["marks"] == ["identical_content"]


def test_the_mark_stays_on_figures(accepted: Path, tmp_path: Path) -> None:
    """Every figure has a strip of words below; drawn again, it has them once."""
    before = {path.name: Image.open(path).size for path in sorted((accepted / "figures").glob("*.png"))}
    status, clean = train(write_folder(tmp_path / "data"), tmp_path / "results", *FOREST)
    assert status == 0
    assert json.loads((clean / "metrics.json").read_text(encoding="utf-8"))["data"]["marks"] == []
    without = {path.name: Image.open(path).size for path in sorted((clean / "figures").glob("*.png"))}
    assert before.keys() == without.keys()
    for name in ("reliability.png", "class_bars.png"):
        assert before[name][1] > without[name][1]
    assert run.main(["report", "--run", str(accepted)]) == 0
    assert {path.name: Image.open(path).size for path in sorted((accepted / "figures").glob("*.png"))} == before


def test_the_mark_stays_when_the_run_is_evaluated_and_compared(
    accepted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["test", "--run", str(accepted)]) == 0
    told = capsys.readouterr()
    assert (told.out + told.err).count("; leaks: identical_content") == 2
    assert run.main(["report", "--result_path", str(tmp_path), "--compare", str(accepted)]) == 0
    assert "! leaks: identical_content" in (tmp_path / "comparison.txt").read_text(encoding="utf-8")
    assert "! leaks: identical_content" in (tmp_path / "comparison.csv").read_text(encoding="utf-8")


def test_who_uses_the_model_is_told(accepted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "data", names=("normal",))
    words = [
        "--run",
        str(accepted),
        "--input",
        str(tmp_path / "data" / "normal.csv"),
        "--output",
        str(tmp_path / "out"),
    ]
    assert run.main(["detect", *words]) == 0
    told = capsys.readouterr()
    assert "trained on data with known leaks: identical_content" in told.out + told.err


def test_a_run_of_a_version_without_marks_is_evaluated_as_ever(accepted: Path, tmp_path: Path) -> None:
    """Neither its options nor its metrics know of leaks, and its data would stop a new training."""
    old = tmp_path / "old"
    shutil.copytree(accepted, old)
    (old / "checksums.json").unlink()
    config = (old / "config.yaml").read_text(encoding="utf-8")
    kept = [line for line in config.splitlines() if not re.match("accept_leaks|drop_columns", line)]
    (old / "config.yaml").write_text("\n".join(kept) + "\n", encoding="utf-8")
    metrics = json.loads((old / "metrics.json").read_text(encoding="utf-8"))
    del metrics["data"]["marks"], metrics["data"]["report"]["leaks"]["findings"]
    (old / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    assert run.main(["test", "--run", str(old)]) == 0
    assert run.main(["report", "--run", str(old)]) == 0
    assert "Leaks are known" not in (old / "report.html").read_text(encoding="utf-8")


def test_a_random_split_is_an_acceptance_of_its_own(tmp_path: Path) -> None:
    status, made = train(write_folder(tmp_path / "data"), tmp_path / "results", *FOREST, "--split", "random")
    assert status == 0
    log = (made / "training.log").read_text(encoding="utf-8")
    assert re.search(r"test: accuracy .*; leaks: random_split, overlapping_windows", log)


def test_the_page_lists_every_check() -> None:
    page = (REPOSITORY / "docs" / "LEAKS.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE) == list(CHECKS)
