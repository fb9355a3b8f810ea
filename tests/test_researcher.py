"""A researcher's walk: a simulated unit, trainings with tags and seeds, an ablation, a LaTeX table for the paper."""

import csv
import json
import re
from pathlib import Path

import pytest

import run

# Flags of each tag, as scripts/run_ablation.sh gives them.
TAGS = {
    "ablation_none": ["--feature_dim", "8"],
    "ablation_no_stat": ["--feature_dim", "8", "--ablation_mode", "no_stat"],
    "narrow": ["--feature_dim", "4"],
}
RUNS = "AHU_annual,damper_stuck_075_annual,coi_bias_4_annual"
SMALL = ["--data", "folder", "--sample_period", "15min", "--seq_len", "8", "--stride", "8", "--block_days", "1"]
SMALL += ["--train_epochs", "1", "--batch_size", "8"]
NUMBER = re.compile(r"\$[+-]?\d\.\d{3}( \\pm \d\.\d{3})?(\\ \[[+-]\d\.\d{3},\\ [+-]\d\.\d{3}\])?\$|\$<?\d\.\d{3}\$")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tags with two seeds each on a fortnight of three states, as a person types it."""
    base = tmp_path_factory.mktemp("researcher")
    assert run.main(["simulate", "--runs", RUNS, "--days", "10", "--output", str(base / "trends")]) == 0
    for tag, flags in TAGS.items():
        words = ["--root_path", str(base / "trends"), "--result_path", str(base / "results"), *SMALL]
        assert run.main([*words, "--des", tag, *flags, "--itr", "2", "--seed", "1"]) == 0
    return base / "results"


def report(results: Path, *words: str) -> int:
    return run.main(["report", "--result_path", str(results), *words])


def test_the_walk_ends_in_a_latex_table(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(results, "--ablation", "ablation_*", "narrow", "--baseline", "ablation_none") == 0
    told = capsys.readouterr().out
    assert told.strip().splitlines()[-1] == f"ablation: {results / 'ablation.html'}"
    lines = [line for line in (results / "ablation.tex").read_text().splitlines() if not line.startswith("%")]
    assert lines[0] == r"\begin{tabular}{lrrrrr}"
    assert lines[-1] == r"\end{tabular}"
    assert [lines.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    rows = [line.removesuffix(r" \\").split(" & ") for line in lines if line.endswith(r"\\")]
    assert {len(row) for row in rows} == {6}
    tags = [row[0] for row in rows[1:]]
    assert tags[0] == r"ablation\_none"
    assert sorted(tags[1:]) == [r"ablation\_no\_stat", "narrow"]
    for row in rows[1:]:
        assert r"\pm" in row[1]
        for cell in row[1:]:
            assert cell in ("baseline", "--") or NUMBER.fullmatch(cell), cell
    assert "".join(lines).count("{") == "".join(lines).count("}")


def test_a_row_is_the_mean_of_its_seeds_and_differs_on_the_same_windows(results: Path) -> None:
    assert report(results, "--ablation", "ablation_none", "ablation_no_stat") == 0
    rows = list(csv.DictReader((results / "ablation.csv").open()))
    assert [(row["experiment"], row["baseline"], row["runs"], row["pairs"]) for row in rows] == [
        ("ablation_none", "yes", "2", "2"),
        ("ablation_no_stat", "no", "2", "2"),
    ]
    for row in rows:
        own = [_macro_f1(path) for path in sorted(results.glob(f"*/*/{row['experiment']}/*-[12]"))]
        assert float(row["macro_f1"]) == pytest.approx(sum(own) / 2, abs=2e-6)  # written with 6 decimals
        assert float(row["macro_f1_std"]) == pytest.approx(abs(own[0] - own[1]) / 2**0.5, abs=2e-6)
    apart = float(rows[1]["macro_f1"]) - float(rows[0]["macro_f1"])
    assert float(rows[1]["macro_f1_difference"]) == pytest.approx(apart)
    assert rows[1]["options"] == "ablation_mode: none -> no_stat"
    page = (results / "ablation.html").read_text()
    assert page.count("<tbody>") == 1
    assert "Ablation of 2 tags in 4 runs, against ablation_none" in page


def _macro_f1(folder: Path) -> float:
    return json.loads((folder / "metrics.json").read_text())["test"]["macro_f1"]["value"]
