"""The command line: rules, mistakes, and the round trip through config.yaml."""

import dataclasses
import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml

import run
from tests.conftest import REPOSITORY
from utils.command_line import from_config, parse
from utils.errors import UserError
from utils.former_options import FORMER
from utils.options import GROUPS, Options, flags
from utils.verbs import GROUPS_OF_VERB, REQUIRED, VERBS


def test_the_version_is_that_of_the_project(capsys):
    with pytest.raises(SystemExit) as end:
        run.main(["--version"])
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert end.value.code == 0
    assert capsys.readouterr().out == f"DualGAFNet {project['version']}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_ends_with_a_line_to_copy(verb, capsys):
    with pytest.raises(SystemExit) as end:
        run.main(["help", verb])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    example = shown.strip().rpartition("example: ")[2]
    assert f"Flags of '{verb}'" in shown
    assert parse(shlex.split(example)[2:]).verb == verb


@pytest.mark.parametrize(("verb", "names"), REQUIRED.items())
def test_help_marks_what_a_verb_needs(verb, names, capsys):
    with pytest.raises(SystemExit):
        run.main(["help", verb])
    shown = capsys.readouterr().out
    flags = " ".join(shown.partition("options:")[2].split())
    assert flags.count("required: ") == len(names)
    for name in names:
        assert re.search(rf"--{name} [^-]*required: ", flags)
    assert f"; required: {', '.join(f'--{name}' for name in names)}." in shown
    assert run.main([verb]) == 2
    error = capsys.readouterr().err
    assert all(f"--{name}" in error for name in names)


def test_a_flag_of_several_values_may_be_given_twice():
    assert parse(["report", "--compare", "a", "b", "--compare", "c"]).compare == ("a", "b", "c")


def test_defaults_are_those_of_the_documents():
    options = parse([])
    assert (options.verb, options.model, options.data) == ("train", "DualGAFNet", "DualGAF")
    assert options.gradient_accumulation_steps == 1
    assert options.enable_auto_gradient_accumulation is False
    assert options.cross_epoch_accumulation is False
    assert options.result_path == "results"
    assert options.seq_len == 96
    assert options.explicit == frozenset()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], False),
        (["--disable_parallel"], True),
        (["--disable_parallel", "True"], True),
        (["--disable_parallel", "False"], False),
        (["--disable_parallel", "--no_disable_parallel"], False),
    ],
)
def test_a_boolean_can_be_written_in_every_way(words, expected):
    assert parse(words).disable_parallel is expected


def test_what_the_user_gave_is_known_even_at_the_default():
    assert "gradient_accumulation_steps" in parse(["--gradient_accumulation_steps", "1"]).explicit


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["trian"], ["trian", "train"]),
        (["--batchsize", "4"], ["--batchsize", "--batch_size"]),
        (["--batch", "4"], ["--batch"]),
        (["--stride", "-1"], ["--stride", "-1", "at least 1"]),
        (["--batch_size", "four"], ["--batch_size", "four", "whole number"]),
        (["--learning_rate", "nan"], ["--learning_rate", "nan"]),
        (["--learning_rate", "0"], ["--learning_rate", "above 0"]),
        (["--split", "fair"], ["--split", "fair", "blocked", "random"]),
        (["--disable_parallel", "maybe"], ["maybe", "True", "False"]),
        (["--test_size", "0.6", "--val_size", "0.4"], ["--test_size", "--val_size", "below 1"]),
        (["--model"], ["--model"]),
        (["--config", "nowhere.yaml"], ["nowhere.yaml"]),
    ],
)
def test_a_mistake_is_one_line_that_names_it(words, parts):
    with pytest.raises(UserError) as caught:
        parse(words)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_options_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse([]).batch_size = 8  # type: ignore[misc]


def test_every_flag_has_a_group_help_and_a_verb():
    shown = {group for groups in GROUPS_OF_VERB.values() for group in groups}
    assert set(GROUPS_OF_VERB) == set(VERBS)
    for field in flags():
        assert any(field in flags(group) for group in shown), f"no verb shows --{field.name}"
        assert 10 <= len(field.metadata["help"]) <= 90


def test_config_holds_every_option_and_gives_it_back(tmp_path):
    options = parse(["--batch_size", "6", "--no_use_statistical_features", "--label_smoothing", "0.2", "--des", "a b"])
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(options.to_dict()))
    assert set(yaml.safe_load(path.read_text())) == {field.name for field in flags()}
    assert from_config(path).to_dict() == options.to_dict()
    again = parse(["--config", str(path), "--batch_size", "3"])
    assert again.to_dict() == options.to_dict() | {"batch_size": 3, "config": str(path)}
    assert "gradient_accumulation_steps" not in again.explicit  # at its default in the file: nobody chose it
    assert {"label_smoothing", "batch_size"} <= again.explicit


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("batch_sise: 4", ["batch_sise", "batch_size"]),
        ("batch_size: many", ["batch_size", "many"]),
        ("stride: -3", ["stride", "-3"]),
        ("- a list", ["no options"]),
        ("a: b: c", ["YAML"]),
        ("!!python/object/apply:os.getcwd []", ["YAML"]),
    ],
)
def test_a_mistake_in_a_config_names_the_file_and_the_option(tmp_path, content, parts):
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        parse(["--config", str(path)])
    message = str(caught.value)
    assert "mine.yaml" in message
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_the_command_of_options_gives_the_same_options():
    words = [
        "--batch_size",
        "6",
        "--no_use_statistical_features",
        "--des",
        "two words",
        "--gradient_accumulation_steps",
        "3",
    ]
    options = parse(words)
    command = options.command()
    assert command.startswith("python run.py ")
    import shlex

    assert parse(shlex.split(command)[2:]).to_dict() == options.to_dict()


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv=['run.py','--help']; import runpy\n"
        "try: runpy.run_path('run.py', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'sklearn', 'timm', 'pyts', 'matplotlib', 'yaml'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for text in GROUPS_OF_VERB["train"]:
        assert GROUPS[text][0] in done.stdout


def test_a_users_mistake_ends_with_status_2_and_one_line():
    done = subprocess.run(
        [sys.executable, "run.py", "--bathc_size", "4"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "--batch_size" in done.stderr


def test_replace_keeps_the_rest():
    options = Options(batch_size=7).replace(seed=3)
    assert (options.batch_size, options.seed) == (7, 3)


@pytest.mark.parametrize("words", [["models"], ["doctor"]])
def test_a_reader_that_leaves_ends_the_program_without_a_word(words):
    """As `python run.py models | head -3` does; 141 is what shells show for a program that a closed pipe ended."""
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}  # a short text is then written only as the program ends
    done = subprocess.run(
        [sys.executable, "run.py", *words],
        cwd=REPOSITORY,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 141


def test_a_broken_pipe_of_another_kind_is_not_hidden(monkeypatch):
    """Only the reader of standard output may leave; a process that dies behind a pipe is an error."""

    def broken(options):
        raise BrokenPipeError("a worker died")

    monkeypatch.setattr("exp.doctor.run", broken)
    with pytest.raises(BrokenPipeError, match="worker"):
        run.main(["doctor"])


def test_former_names_work_and_are_not_advertised(capsys, tmp_path):
    given = parse(["--extractor", "dilated", "--group_extractors", "gramian|dilated", "--step", "5"])
    assert (given.encoder, given.group_encoders, given.stride) == ("dilated", "gramian|dilated", 5)
    assert {"encoder", "group_encoders", "stride"} <= given.explicit
    path = tmp_path / "former.yaml"
    path.write_text("extractor: multiscale\nstep: 7\n", encoding="utf-8")
    stored = parse(["--config", str(path)])
    assert (stored.encoder, stored.stride) == ("multiscale", 7)
    with pytest.raises(SystemExit):
        parse(["--help"])
    shown = capsys.readouterr().out
    assert "--encoder" in shown
    assert not any(f"--{name}" in shown for name in FORMER)
