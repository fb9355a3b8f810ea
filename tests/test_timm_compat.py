"""timm imports whether torchvision's compiled part fits or not; every case in a process of its own."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

# A torchvision that registers its operators at import as the real one does, and a timm that needs it.
NEEDS = """
import torch.library
for name in {operators}:
    torch.library.register_fake('torchvision::' + name)(lambda *a: None)
"""


def python(code: str, *path: Path) -> subprocess.CompletedProcess:
    script = f"import sys; sys.path[:0] = {[str(p) for p in (*path, REPOSITORY)]}\n{code}"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def stand_ins(folder: Path, operators: list[str], extra: str = "") -> Path:
    """A folder with a torchvision and a timm that count how often they are imported."""
    files = {
        "torchvision": NEEDS.format(operators=operators) + extra,
        "timm": "import sys\nsys.tries = getattr(sys, 'tries', 0) + 1\nimport torchvision\n",
        "timm/loss": "",
        "timm/optim": "",
    }
    for name, text in files.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "__init__.py").write_text(text)
    return folder


def test_a_backbone_with_one_channel_runs():
    done = python("""
import torch
from utils.timm_compat import import_timm
timm = import_timm()
assert import_timm() is timm
model = timm.create_model('resnet18', in_chans=1, num_classes=0).eval()
assert model(torch.randn(2, 1, 48, 48)).shape == (2, 512)
assert timm.loss.LabelSmoothingCrossEntropy and timm.optim.create_optimizer_v2
import torchvision
print('fine')
""")
    assert done.stdout == "fine\n", done.stderr


def test_missing_operators_are_declared_one_a_round(tmp_path):
    done = python(
        """
import gc, torch
from utils import timm_compat
timm_compat.import_timm()
gc.collect()
print(sys.tries, sorted(timm_compat._declared), torch.ops.torchvision.qnms.default)
""",
        stand_ins(tmp_path, ["nms", "qnms"]),
    )
    assert done.stdout == "3 ['nms', 'qnms'] torchvision.qnms.default\n", done.stderr


def test_nothing_happens_where_torchvision_fits(tmp_path):
    code = "from utils import timm_compat; timm_compat.import_timm(); print(sys.tries, timm_compat._declared)"
    done = python(code, stand_ins(tmp_path, []))
    assert done.stdout == "1 {}\n", done.stderr


def test_other_errors_are_not_caught(tmp_path):
    code = "from utils.timm_compat import import_timm; import_timm()"
    unknown = python(code, stand_ins(tmp_path / "a", ["deform"]))
    assert "RuntimeError: operator torchvision::deform does not exist" in unknown.stderr
    other = python(code, stand_ins(tmp_path / "b", [], "raise RuntimeError('out of luck')"))
    assert "RuntimeError: out of luck" in other.stderr
    absent = python("sys.modules['timm'] = None\n" + code)
    assert "ModuleNotFoundError" in absent.stderr


def test_an_operator_that_stays_missing_ends_the_tries(tmp_path):
    extra = "raise RuntimeError('operator torchvision::nms does not exist')"
    done = python("from utils.timm_compat import import_timm; import_timm()", stand_ins(tmp_path, ["nms"], extra))
    assert done.stderr.strip().endswith("operator torchvision::nms does not exist")


def test_no_other_module_imports_timm():
    rooms = ("utils", "layers", "models", "data_provider", "exp", "scripts", "benchmarks")
    for file in [*REPOSITORY.glob("*.py"), *(f for room in rooms for f in (REPOSITORY / room).rglob("*.py"))]:
        for line in file.read_text().splitlines():
            assert not line.strip().startswith(("import timm", "from timm")), f"{file}: {line}"
