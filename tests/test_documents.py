"""Every command of the gradient-accumulation guide runs as it is written there.

What is appended cuts the work down: a fortnight of simulated data, short windows, a narrow network, one epoch.
"""

import os
import shlex
import subprocess
import sys

import pytest

import run
from data_provider.simulator import NINE, simulate
from tests.conftest import REPOSITORY
from tests.kit import latest

BASE = "--model DualGAFNet --data DualGAF --batch_size 4 --gradient_accumulation_steps 2"
PRESET = "--loss_preset hvac_similar_optimized"
COMMANDS = {
    "by hand": f"{BASE} {PRESET} --train_epochs 10",
    "by rule": f"--model DualGAFNet --data DualGAF --batch_size 4 --enable_auto_gradient_accumulation {PRESET} "
    "--train_epochs 10",
    "off": "--model DualGAFNet --data DualGAF --batch_size 8 --gradient_accumulation_steps 1 "
    f"{PRESET} --train_epochs 10",
    "recommended": f"{BASE} {PRESET} --train_epochs 20 --patience 5",
    "scenario A": "--batch_size 4 --gradient_accumulation_steps 2 --train_epochs 5",
    "scenario B": "--batch_size 4 --gradient_accumulation_steps 2 --train_epochs 30 --patience 8",
    "scenario C, without": '--batch_size 4 --gradient_accumulation_steps 1 --des "no_accumulation"',
    "scenario C, with": '--batch_size 4 --gradient_accumulation_steps 2 --des "with_accumulation"',
    "troubleshooting": "--gradient_accumulation_steps 2 --disable_parallel False",
    "baseline": '--batch_size 4 --gradient_accumulation_steps 1 --train_epochs 2 --des "baseline"',
    "accumulation": '--batch_size 4 --gradient_accumulation_steps 2 --train_epochs 2 --des "accumulation"',
    "losses": f"--gradient_accumulation_steps 2 {PRESET}",
    "RAdam and schedule": f"--gradient_accumulation_steps 2 {PRESET} --train_epochs 30 --patience 5",
    "statistics": "--gradient_accumulation_steps 2 --use_statistical_features --stat_type comprehensive",
    "cross-epoch": "--cross_epoch_accumulation --batch_size 4 --gradient_accumulation_steps 3",
    "iteration-scheduled": "--batch_size 12 --gradient_accumulation_steps 2 --scheduler_period 2 --lr_scheduler cosine",
}
CUT = ["--train_epochs", "1", "--seq_len", "12", "--step", "240", "--feature_dim", "8", "--block_days", "1"]


@pytest.fixture(scope="session")
def fortnight(tmp_path_factory):
    """Nine runs of a simulated air-handling unit, two weeks each."""
    folder = tmp_path_factory.mktemp("fortnight") / "SAHU"
    simulate(output=folder, runs=NINE, days=14, progress=False)
    return folder


def cut_down(fortnight, results):
    return [*CUT, "--root_path", str(fortnight), "--result_path", str(results), "--rows", "20160"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_runs(name, fortnight, tmp_path, capsys):
    words = shlex.split(COMMANDS[name])
    assert run.main([*words, *cut_down(fortnight, tmp_path)]) == 0
    out = capsys.readouterr().out
    folder = latest(tmp_path)
    assert out.strip().splitlines()[-1] == f"run folder: {folder}"
    for file in ("metrics.json", "report.html", "training.log"):
        assert (folder / file).is_file()
    if "--des" in words:
        assert folder.parent.name == words[words.index("--des") + 1]
    accumulates = "--gradient_accumulation_steps 1" not in COMMANDS[name]
    assert ("梯度累积配置" in out) is accumulates


def test_the_log_can_be_kept_with_tee(fortnight, tmp_path):
    line = "python run.py --gradient_accumulation_steps 2 | tee training.log"
    line = line.replace("python run.py", f"{shlex.quote(sys.executable)} {shlex.quote(str(REPOSITORY / 'run.py'))}")
    line = line.replace(" | tee", " " + shlex.join(cut_down(fortnight, tmp_path / "results")) + " | tee")
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "梯度累积配置: 每2轮累积一次梯度" in (tmp_path / "training.log").read_text()


def test_the_self_test_runs_alone():
    done = subprocess.run(
        [sys.executable, "test_gradient_accumulation.py"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()


def test_the_example_script_runs(fortnight, tmp_path):
    if not (REPOSITORY / ".venv").is_dir():
        pytest.skip("the script makes the environment .venv, which is not this test's to make")
    done = subprocess.run(
        ["bash", str(REPOSITORY / "scripts" / "run_with_gradient_accumulation.sh"), *cut_down(fortnight, tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert len(list(tmp_path.rglob("metrics.json"))) == 4
    assert "accumulation_4x2" in done.stdout
    assert "comparison: " in done.stdout
