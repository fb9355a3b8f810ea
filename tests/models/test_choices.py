"""Wrong choices are one line of a UserError; groups of signals are read as typed."""

import subprocess
import sys

import pytest
import torch

from models import MODELS, ModelSettings
from models.config import REGISTRIES, parse_groups
from tests.conftest import REPOSITORY
from utils.errors import UserError

COLUMNS = ("SA_TEMP", "OA_TEMP", "SA_CFM", "OA_CFM")


def build(**settings: object) -> torch.nn.Module:
    return MODELS["DualGAFNet"](columns=COLUMNS, length=16, classes=2, settings=ModelSettings(**settings))


@pytest.mark.parametrize("setting", [*REGISTRIES, "encoder", "group_encoders"])
def test_an_unknown_name_lists_the_choices(setting: str) -> None:
    changes = {setting: "nosuch"}
    if setting == "group_encoders":
        changes["signal_groups"] = "SA_TEMP"
    with pytest.raises(UserError, match=r"^unknown \w+ 'nosuch'; choose one of: ") as error:
        build(**changes)
    known = REGISTRIES.get(setting, {"dilated": None})
    assert all(name in str(error.value) for name in known)


@pytest.mark.parametrize("model", MODELS)
def test_every_network_looks_at_its_settings(model: str) -> None:
    for wrong in ({"norm": "layer"}, {"dropout": 1.0}):
        with pytest.raises(UserError):
            MODELS[model](columns=COLUMNS, length=16, classes=2, settings=ModelSettings(**wrong))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"compression_ratio": 0.0}, "compression_ratio 0.0"),
        ({"compression_ratio": 2.0}, "compression_ratio 2.0"),
        ({"compression_ratio": float("nan")}, "compression_ratio nan"),
        ({"compression_ratio": 0.5, "signal_groups": "SA_TEMP"}, "leave one of the two out"),
        ({"image_size": 17}, "0 to 16"),
        ({"image_size": -1}, "0 to 16"),
        ({"feature_dim": 1}, "feature_dim 1"),
        ({"dropout": 1.0}, "dropout 1.0"),
        ({"dropout": -0.1}, "dropout -0.1"),
        ({"encoder": "timm:"}, "timm:NAME"),
        ({"encoder": "timm:resnet1"}, "resnet18"),
        ({"encoder": ""}, "unknown encoder ''"),
        ({"signal_groups": "SA_TEMP,XA_TEMP"}, "'XA_TEMP'; choose one of: OA_CFM, OA_TEMP"),
        ({"signal_groups": "SA_TEMP|SA_TEMP"}, "'SA_TEMP' twice"),
        ({"signal_groups": "SA_TEMP|"}, "unknown signal in signal_groups ''"),
        ({"signal_groups": "SA_TEMP|OA_TEMP", "group_encoders": "dilated"}, "1 for 2 signal_groups"),
        ({"group_encoders": "dilated"}, "1 for 0 signal_groups"),
    ],
)
def test_a_wrong_setting_is_one_line(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UserError) as error:
        build(**settings)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_groups_are_read_as_typed_and_the_rest_forms_one_more() -> None:
    def parse(**settings: str) -> list[tuple[str, list[int]]]:
        return parse_groups(ModelSettings(**settings), COLUMNS)

    assert parse() == [("between", [0, 1, 2, 3])]
    assert parse(signal_groups=" OA_TEMP , SA_TEMP|SA_CFM,OA_CFM") == [("between", [1, 0]), ("between", [2, 3])]
    assert parse(signal_groups="SA_CFM", group_encoders="dilated", encoder="inception") == [
        ("dilated", [2]),
        ("inception", [0, 1, 3]),
    ]


def test_timm_and_pyts_are_not_imported_with_the_models() -> None:
    code = "import sys, models; print([m for m in ('timm', 'pyts', 'sklearn', 'torchvision') if m in sys.modules])"
    root = REPOSITORY
    printed = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
