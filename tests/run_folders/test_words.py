"""What a person may type or hand over: YAML, numbers, Parquet and names, each answered in one line and quickly."""

import os
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import run
from data_provider.trends.roles import read_roles
from tests.conftest import REPOSITORY
from tests.run_folders.kit import status_and_error, words_of
from utils.command_line import from_config_text, options_of, parse
from utils.errors import UserError
from utils.plain_yaml import load_plain

LAUGHS = "a: &a [x, x]\n" + "".join(f"b{k}: &b{k} [*{'a' if not k else f'b{k - 1}'}, *a]\n" for k in range(40))
HOSTILE = {
    "billion laughs": LAUGHS,
    "deep": "des: " + "[" * 50_000,
    "deep maps": "des: " + "{a: " * 50_000,
    "a list": "des: [a, b]",
    "a mapping": "seed: {a: 1}",
    "a tag": "des: !!python/object/apply:os.system [true]",
    "binary": "des: !!binary AAAA",
    "long number": f"seed: {'9' * 5000}",
    "large number": f"train_epochs: {10**23}",
    "no number": "seed: 2020-01-01",
    "odd number": "seed: 0b",
    "infinite": "learning_rate: .inf",
    "NUL": 'des: "a\\0b"',
    "half a letter": 'des: "\\ud800"',
    "list as name": "? [a]\n: 1",
    "many": "".join(f"k{k}: 1\n" for k in range(100_000)),
    "large": "des: " + "x" * 2**20,
    "not UTF-8": "des: \udcff",
    "nothing": "",
}


def quick(words, capsys, seconds=10.0):
    """Standard error of a command line that is refused in one line, in time."""
    began = time.process_time()
    status, error = status_and_error(words, capsys)
    assert (status, error.count("\n")) == (2, 1), error
    assert time.process_time() - began < seconds
    assert len(error) < 500
    assert "\x1b" not in error
    return error


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_options_are_one_line(name, tmp_path, capsys):
    path = tmp_path / "options.yaml"
    path.write_bytes(HOSTILE[name].encode("utf-8", "surrogateescape"))
    error = quick(["--config", str(path), "--root_path", str(tmp_path / "none")], capsys)
    assert name != "billion laughs" or "alias" in error


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_roles_are_one_line(name, tmp_path):
    path = tmp_path / "roles.yaml"
    path.write_bytes(HOSTILE[name].encode("utf-8", "surrogateescape"))
    began = time.process_time()
    with pytest.raises(UserError) as caught:
        read_roles(path, columns=["SA_TEMP"], units=["F"])
    assert time.process_time() - began < 10
    assert "\n" not in str(caught.value)


ENTRIES = (
    "2020-01-01T00:00:00Z",
    "{column: a, states: {b: " + "9" * 400 + "}}",
    str(10**30),
    "{column: [a]}",
    "{column: a, unit: 1e400}",
)


@pytest.mark.parametrize("entry", ENTRIES)
def test_dates_and_large_numbers_in_roles(entry, tmp_path):
    """A time stamp is a column's name like any other; what is no name or number is one line."""
    path = tmp_path / "roles.yaml"
    path.write_text(f"SA_TEMP: {entry}")
    try:
        found = read_roles(path, columns=["SA_TEMP"], units=["F"])
    except UserError as error:
        said = str(error)
    else:
        said = found.entries["SA_TEMP"].column
    assert said
    assert "\n" not in said


def test_a_date_in_a_configuration_is_the_words_that_it_was():
    assert from_config_text(b"start: 2018-05-07\ndes: 2018-05-07\nseed: 7", "here").start == "2018-05-07"
    assert load_plain(b"a: 1\na: 2") == {"a": 2}
    with pytest.raises(UserError, match="there twice"):
        load_plain(b"a: 1\na: 2", once=True)


@pytest.mark.skipif(os.name == "nt", reason="no pipes and devices there")
def test_pipes_and_endless_files(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("utils.safe_reading.PATIENCE", 0.3)
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", str(tmp_path), str(tmp_path / "pipe"), str(tmp_path / "none"), "x" * 5000):
        quick(["--config", path], capsys)
    for path in ("/dev/zero", str(tmp_path), str(tmp_path / "pipe")):
        with pytest.raises(UserError):
            read_roles(tmp_path / path)


@pytest.mark.skipif(os.name == "nt", reason="no such shell there")
def test_a_configuration_from_a_shells_pipe_goes_on_working():
    script = "exec \"$0\" run.py models --config <(sleep 0.3; echo 'seed: x')"
    done = subprocess.run(["bash", "-c", script, sys.executable], cwd=REPOSITORY, capture_output=True, text=True)
    assert "seed: 'x' is not a whole number" in done.stderr


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--seed", "4294967296"], "at most 4294967295"),
        (["--seed", "4294967295", "--itr", "2"], "largest seed"),
        (["--split_seed", str(2**40)], "at most"),
        (["--train_epochs", str(10**23)], "at most"),
        (["--batch_size", str(10**23)], "at most"),
        (["--feature_dim", str(10**9)], "at most"),
        (["--num_workers", str(10**9)], "at most"),
        (["--seed", "9" * 5000], "not a whole number"),
        (["--train_epochs", "1" * 100], "at most"),
    ],
)
def test_numbers_beyond_every_use_are_one_line(flags, says, capsys):
    assert says in quick(flags, capsys)


def test_every_whole_number_has_an_upper_limit():
    largest = "1" + "0" * 23
    for name in ("itr", "rows", "block_days", "seq_len", "image_size", "patience", "scheduler_period", "stride"):
        with pytest.raises(UserError, match="at most"):
            parse([f"--{name}", largest])
    assert parse(["--seed", "4294967295"]).seed == 2**32 - 1


@pytest.mark.parametrize("period", ["100000000000000000000d", "400d", f"{'9' * 5000}s"])
def test_a_step_of_ages_is_one_line(period, data, capsys):
    error = quick(["--data", "folder", "--root_path", str(data), "--sample_period", period], capsys)
    assert period[:20] in error


@pytest.mark.parametrize("verb", ["train", "test", "detect", "report"])
def test_a_nul_in_a_path_is_one_line(verb):
    name = "root_path" if verb == "train" else "run"
    with pytest.raises(UserError, match="NUL"):
        options_of(verb, {name: "a\0b"})


READINGS = {"Datetime": np.arange("2021-03-01", "2021-03-02", np.timedelta64(900, "s"), "datetime64[s]")}
ODD = {
    "zone": ({"Datetime": pa.array(range(0, 86_400_000, 900_000), pa.timestamp("ms", "Mars/Olympus"))}, "zone"),
    "escaped zone": ({"Datetime": pa.array(range(0, 86_400_000, 900_000), pa.timestamp("ms", "\x1b[31m"))}, "zone"),
    "lists": ({"label": pa.array([["a", "b"]] * 96)}, "one word a row"),
    "structures": ({"label": pa.array([{"a": 1}] * 96)}, "one word a row"),
    "bytes": ({"label": pa.array([b"\xff"] * 96)}, "one word a row"),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_parquet_is_one_line(kind, trained, data, tmp_path, capsys):
    columns, says = ODD[kind]
    readings = {name: np.full(96, 60.0) for name in ("SUPPLY", "OUTDOOR", "COMMAND", "POSITION", "FAN")}
    table = pa.table({**READINGS, **readings, "label": ["normal"] * 96} | columns)
    pyarrow.parquet.write_table(table, tmp_path / "odd.parquet")
    words = ["--data", "csv", "--root_path", str(tmp_path / "odd.parquet"), "--result_path", str(tmp_path / "runs")]
    assert says in quick(words, capsys)
    if "zone" in kind:
        words = ["detect", "--run", str(trained), "--input", str(tmp_path / "odd.parquet"), "--output", str(tmp_path)]
        assert says in quick(words, capsys)


def test_names_show_a_terminal_nothing_that_it_obeys(trained, data, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # doctor writes a role map here
    names = ["\x1b[2J\x1b]0;owned\x07.csv", "a\u202egnp.csv", "two\nlines.csv"]
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in names:
        try:
            (folder / name).write_bytes((data / "stuck.csv").read_bytes())
        except OSError:
            pytest.skip("no such names on this system")
    words = words_of("detect", trained, data)
    words[words.index("--input") + 1] = str(folder)
    words[words.index("--output") + 1] = str(tmp_path / "found")
    assert run.main(words) == 0
    said = capsys.readouterr()
    (folder / names[0]).write_text("nothing")
    for name in names[1:]:
        (folder / name).unlink()
    assert run.main(words[:-2] + ["--output", str(tmp_path / "none")]) == 2
    assert run.main(["doctor", "--input", str(folder), "--run", str(trained)]) in (0, 1, 2)
    later = capsys.readouterr()
    for text in (said.out, said.err, later.out, later.err):
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
