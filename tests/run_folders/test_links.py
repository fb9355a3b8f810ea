"""Links, pipes, devices and endless files in a run folder are refused, and never written through."""

import os
from pathlib import Path

import pytest

from tests.run_folders.kit import KEPT, MODEL, copy_of, status_and_error, words_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no links and pipes for everybody there")


@pytest.mark.sample(4)
@pytest.mark.parametrize("sums", [True, False])
@pytest.mark.parametrize("kind", ["link out", "endless", "pipe", "circle", "link to nothing"])
def test_what_is_no_file_of_the_folder_is_refused(kind, sums, trained, data, tmp_path, capsys):
    read_anyway = {"best_model_summary.csv", "predictions_val.csv"}  # by sums alone
    for name in KEPT if sums else set(KEPT) - read_anyway:
        folder = copy_of(trained, tmp_path / name.replace("/", "-"), sums=sums)
        path = folder / name
        content = path.read_bytes()
        path.unlink()
        if kind == "pipe":
            os.mkfifo(path)
        else:
            elsewhere = tmp_path / "elsewhere"
            elsewhere.write_bytes(content)
            aims = {"link out": elsewhere, "endless": Path("/dev/zero"), "circle": path}
            path.symlink_to(aims.get(kind, tmp_path / "nothing"))
        for verb in ("report", "detect") if name in MODEL else ("report",):
            status, error = status_and_error(words_of(verb, folder, data), capsys)
            assert (status, error.count("\n")) == (2, 1), (name, verb, error)


def test_a_link_within_the_folder_is_read(trained, data, tmp_path, capsys):
    folder = copy_of(trained, tmp_path / "inner")
    (folder / "metrics.json").rename(folder / "measures.json")
    (folder / "metrics.json").symlink_to("measures.json")
    assert status_and_error(words_of("report", folder, data), capsys) == (0, "")


def test_what_is_drawn_again_replaces_a_link(trained, data, tmp_path, capsys):
    folder = copy_of(trained, tmp_path / "written")
    precious = tmp_path / "precious"
    for name in ("figures/curves.png", "figures/confusion_matrix.png", "report.html", "model/README.md"):
        precious.write_text("mine")
        (folder / name).unlink()
        (folder / name).symlink_to(precious)
    assert status_and_error(words_of("report", folder, data), capsys) == (0, "")
    assert precious.read_text() == "mine"
    assert not (folder / "report.html").is_symlink()


@pytest.mark.parametrize("name", ["figures", "model"])
def test_a_folder_that_lies_elsewhere_is_refused(name, trained, data, tmp_path, capsys):
    folder = copy_of(trained, tmp_path / "run", sums=False)
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "elsewhere").iterdir()}
    status, error = status_and_error(words_of("report", folder, data), capsys)
    assert (status, error.count("\n")) == (2, 1)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "elsewhere").iterdir()}


def test_the_cache_of_a_strangers_run_is_not_made(trained, data, tmp_path, capsys):
    folder = copy_of(trained, tmp_path / "stranger", sums=False)
    (tmp_path / "mine").mkdir()
    for place in (tmp_path / "mine", tmp_path / "nowhere"):
        text = (folder / "config.yaml").read_text().splitlines()
        text = [f"cache_path: {place}" if line.startswith("cache_path:") else line for line in text]
        (folder / "config.yaml").write_text("\n".join(text))
        assert status_and_error(words_of("test", folder, data), capsys) == (0, "")
        assert not place.exists() or not list(place.iterdir())
    own = [*words_of("test", folder, data), "--cache_path", str(tmp_path / "mine")]  # as the user says
    assert status_and_error(own, capsys) == (0, "")
    assert list((tmp_path / "mine").iterdir())
