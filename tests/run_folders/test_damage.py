"""A damaged file of a run folder is noticed by whoever reads it: one line, status 2, and nothing else changes."""

import json
import random
import shutil

import pytest

import run
from exp.reporting import model_card, training_report
from exp.runs.run_folder import RunFolder
from tests.run_folders.kit import DAMAGES, KEPT, MODEL, STRANGE, changed, copy_of, places, status_and_error, words_of
from utils.errors import UserError


def test_every_file_that_cannot_be_made_again_has_a_sum(trained):
    sums = json.loads((trained / "checksums.json").read_text())["files"]
    assert set(KEPT) | {"report.html", "model/README.md", "figures/curves.png"} <= set(sums)
    files = {path.relative_to(trained).as_posix() for path in trained.rglob("*") if path.is_file()}
    assert files - set(sums) <= {
        "checksums.json", "fingerprint.json", "training.log",
        *(f"checkpoints/{name}.pt" for name in ("last", "previous", "best")),
    }  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("verb", ["test", "report", "resume", "detect", "export"])
def test_every_damage_is_noticed(verb, damage, trained, data, tmp_path, capsys):
    for name in MODEL if verb in ("detect", "export") else KEPT:
        folder = copy_of(trained, tmp_path / name.replace("/", "-"))
        DAMAGES[damage](folder / name)
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        status, error = status_and_error(words_of(verb, folder, data), capsys)
        assert (status, error.count("\n")) == (2, 1), (name, error)
        assert name.rpartition("/")[2] in error or "config.yaml" in error
        assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert not (tmp_path / f"{folder.name}-found" / "windows.csv").exists()
        shutil.rmtree(folder)


def test_undamaged_every_verb_works(trained, data, tmp_path, capsys):
    for verb in ("test", "report", "detect"):
        folder = copy_of(trained, tmp_path / verb)
        assert status_and_error(words_of(verb, folder, data), capsys) == (0, "")
    status, error = status_and_error(words_of("test", tmp_path / "report", data), capsys)
    assert (status, error) == (0, "")  # what report made again has its sums


@pytest.mark.sample(3)
@pytest.mark.parametrize("damage", ["truncate", "empty", "text", "other type", "folder"])
def test_without_sums_the_form_is_checked(damage, trained, data, tmp_path, capsys):
    """Folders of earlier versions have no checksums.json."""
    for name in ("config.yaml", "metrics.json", "predictions_test.csv", "figures/samples.npz", *MODEL):
        folder = copy_of(trained, tmp_path / name.replace("/", "-"), sums=False)
        DAMAGES[damage](folder / name)
        status, error = status_and_error(words_of("report", folder, data), capsys)
        assert (status, error.count("\n")) == (2, 1), (name, error)
        shutil.rmtree(folder)


def test_without_sums_an_old_folder_works(trained, data, tmp_path, capsys):
    folder = copy_of(trained, tmp_path / "old", sums=False)
    for verb in ("report", "test"):
        assert status_and_error(words_of(verb, folder, data), capsys) == (0, "")
    assert not (folder / "checksums.json").exists()


def test_an_edited_accuracy_is_not_shown_and_damaged_weights_get_no_sum(trained, data, tmp_path, capsys):
    folder = copy_of(trained, tmp_path / "edited", sums=False)
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["test"]["accuracy"]["value"] = 0.999
    (folder / "metrics.json").write_text(json.dumps(metrics))
    status, error = status_and_error(words_of("report", folder, data), capsys)
    assert status == 2
    assert "confusion matrix" in error
    folder = copy_of(trained, tmp_path / "weights", sums=False)
    DAMAGES["flip"](folder / "model" / "weights.safetensors")
    card = (folder / "model" / "README.md").read_bytes()
    status, error = status_and_error(words_of("report", folder, data), capsys)
    assert status == 2
    assert "weights.safetensors" in error
    assert (folder / "model" / "README.md").read_bytes() == card


def test_no_strange_value_in_metrics_ends_in_a_traceback(trained, tmp_path):
    folder = copy_of(trained, tmp_path / "strange", sums=False)
    text = (folder / "metrics.json").read_text()
    dice, said = random.Random(0), []
    for place in places(json.loads(text)):
        (folder / "metrics.json").write_text(json.dumps(changed(text, place, dice.choice(STRANGE))))
        try:
            training_report.write(folder)
            model_card.write(RunFolder(folder))
        except UserError as error:
            said.append(str(error))
    assert len(said) > 100
    assert not any("\n" in line for line in said)


def test_a_killed_process_leaves_no_wrong_sum(trained, data, tmp_path, monkeypatch):
    """Between a file and its sum: the file is forgotten before it is rewritten."""
    folder = copy_of(trained, tmp_path / "killed")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("exp.runs.checksums.Checksums.note", killed)
        assert run.main(words_of("report", folder, data)) == 130
        with pytest.raises(KeyboardInterrupt):
            RunFolder(folder).write_config(RunFolder(folder).options(des="another"))
    assert RunFolder(folder).options().des == "another"
    assert run.main(words_of("report", folder, data)) == 0


@pytest.mark.parametrize("name", ["config.yaml", "metrics.json", "training_metrics.csv", "predictions_test.csv"])
def test_a_comparison_notices_a_flipped_bit(name, trained, tmp_path, capsys):
    """It reads many folders, of each only what it shows."""
    folder = copy_of(trained, tmp_path / "run")
    content = bytearray((folder / name).read_bytes())
    place = next(at for at in range(len(content) // 2, len(content)) if content[at] in b"123456")
    content[place] ^= 1  # another digit, so that the form holds
    (folder / name).write_bytes(content)
    words = ["report", "--compare", str(folder), str(trained), "--result_path", str(tmp_path)]
    status, error = status_and_error(words, capsys)
    assert (status, error.count("\n")) == (2, 1)
    assert f"{name} is not as it was written" in error
    assert not (tmp_path / "comparison.html").exists()


def test_damaged_sums_are_said(trained, data, tmp_path, capsys):
    for damage in ("flip", "truncate", "empty", "text", "other type"):
        folder = copy_of(trained, tmp_path / damage)
        DAMAGES[damage](folder / "checksums.json")
        for verb in ("test", "report", "detect"):
            status, error = status_and_error(words_of(verb, folder, data), capsys)
            assert (status, error.count("\n")) == (2, 1)
            assert "checksums.json" in error
