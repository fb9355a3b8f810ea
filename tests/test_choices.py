"""A name that no registry holds is told before any data is read."""

from pathlib import Path

import pytest

import run

NAMES = {
    "model": "DualGAFNe",
    "encoder": "betwen",
    "fusion": "concatt",
    "attention": "chanel",
    "classifier": "mpl",
    "stat_type": "slope",
    "stat_encoder": "picewise",
    "norm": "groups",
    "ablation_mode": "no_stats",
    "loss": "cross_entrpy",
    "loss_preset": "hvac_similar_optimised",
    "optimizer": "radm",
    "lr_scheduler": "cosin",
    "augment": "jiter:0.1",
    "scale_lr": "squareroot",
}


@pytest.mark.parametrize("flag", NAMES)
@pytest.mark.parametrize("folds", [(), ("--split", "day", "--folds", "2")])
def test_a_mistyped_name_is_told_before_data_is_read(
    flag: str, folds: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere"
    words = ["--data", "folder", "--root_path", str(nowhere), "--gradient_accumulation_steps", "2", *folds]
    assert run.main([*words, f"--{flag}", NAMES[flag]]) == 2
    error = capsys.readouterr().err
    assert NAMES[flag].partition(":")[0] in error
    assert "nowhere" not in error
    assert error.count("\n") == 1


def test_a_search_cannot_start_from_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--root_path", str(tmp_path / "nowhere"), "--auto", "--init", "base"]) == 2
    assert "leave one of the two out" in capsys.readouterr().err


def test_what_was_meant_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--root_path", str(tmp_path), "--loss_preset", "hvac_similar_optimised"]) == 2
    assert "did you mean 'hvac_similar_optimized'?" in capsys.readouterr().err
