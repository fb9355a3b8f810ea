"""What a start does without: modules that no micro-batch needs are not imported before the first one.

That is asserted, and no time is: `scripts/measure_start.py` measures.
"""

import os
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.kit import SMALL, train, write_folder

# Ends at the first micro-batch with the names of all modules that were imported until then.
UNTIL_THE_FIRST = """
import sys
import run
from exp.training.progress import EpochBar

def advance(self, place, steps):
    print("first:", *sys.modules)
    sys.exit(0)

EpochBar.advance = advance
run.main(sys.argv[1:])
"""

# Compilers, drawing, statistics, readers of files, other people's networks: each costs a tenth of a second to seconds.
HEAVY = {
    "IPython",
    "PIL",
    "jinja2",
    "matplotlib",
    "mlflow",
    "networkx",
    "numba",
    "onnx",
    "onnxscript",
    "pandas",
    "pyarrow",
    "pyts",
    "scipy",
    "sklearn",
    "sympy",
    "tensorboard",
    "timm",
    "torch._dynamo",
    "torch._inductor",
    "torchvision",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder of files whose prepared data is stored."""
    base = tmp_path_factory.mktemp("start")
    folder = write_folder(base / "data", days=6)
    status, _ = train(folder, base / "results", "--train_epochs", "1")
    assert status == 0
    return folder


@pytest.mark.parametrize(
    "flags", [[], ["--optimizer", "adamw", "--lr_scheduler", "cosine", "--ema", "0.9", "--augment", "jitter:0.1"]]
)
def test_the_first_micro_batch_comes_without_heavy_modules(flags, prepared, tmp_path):
    words = ["--data", "folder", "--root_path", str(prepared), "--result_path", str(tmp_path), *SMALL, *flags]
    done = subprocess.run(
        [sys.executable, "-c", UNTIL_THE_FIRST, *words, "--gradient_accumulation_steps", "1"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    modules = done.stdout.rsplit("first:", 1)[1].split()
    assert "torch" in modules
    assert sorted(HEAVY & set(modules)) == []
    assert "windows of 16 steps" in done.stdout
