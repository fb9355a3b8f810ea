"""`--init`: a training that starts from another model."""

import dataclasses

import pytest
import torch

from data_provider.channels import NAMES
from data_provider.datasets.labels import fault_kind
from data_provider.frames import DataInfo
from exp.detection.load import BASE
from exp.runs.artifact import load_artifact
from exp.training.pretrained import like_init, take_over
from models.build import model_of
from run import main
from utils.errors import UserError
from utils.options import Options

MINE = ("ok", "Stuck Cooling Coil Valve", "belt slips")


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Leakage of Cooling Coil Valve", "cooling_valve_leak"),
        ("Stuck Heating Coil Valve", "heating_valve_stuck"),
        ("Leakage of OA Damper", "oa_damper_leak"),
        ("damper_stuck_025", "oa_damper_stuck"),
        ("coi_bias_-4", "sa_sensor_bias"),
        ("oa_bias_4", "oa_sensor_bias"),
        ("coi_leakage_010", "cooling_valve_leak"),
        ("heating_valve_leak", "heating_valve_leak"),
        ("normal", ""),
        ("belt slips", ""),
    ],
)
def test_labels_of_any_set_are_read_as_kinds_of_faults(label, kind):
    assert fault_kind(label) == kind


def own() -> tuple[Options, DataInfo]:
    options = like_init(Options(init="base"))
    info = DataInfo(
        data="folder", columns=NAMES, units=("",) * len(NAMES), classes=MINE, normal="ok", period_seconds=900,
        seq_len=options.seq_len, step=6, counts={"train": (1, 1, 1)}, protocol="", leaking=False,
    )  # fmt: skip
    return options, info


def test_windows_and_network_are_those_of_the_base_model():
    base, options = load_artifact(BASE).options, own()[0]
    for name in ("channels", "seq_len", "sample_period", "resample", "feature_dim", "dropout"):
        assert getattr(options, name) == getattr(base, name)
    again = like_init(options.replace(explicit=frozenset({"seq_len"})))
    assert again.seq_len == base.seq_len
    with pytest.raises(
        UserError, match=r"--seq_len 96 does not fit --init base, whose is \d+; leave one of the two out"
    ):
        like_init(Options(init="base", seq_len=96, explicit=frozenset({"seq_len"})))


def test_every_layer_is_taken_over_and_the_rows_of_classes_that_both_know():
    options, info = own()
    base, model = load_artifact(BASE), model_of(options, info)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    take_over(model, options, info)
    stored, after = base.model.state_dict(), model.state_dict()
    for name, tensor in after.items():
        if not name.startswith("head."):
            torch.testing.assert_close(tensor, stored[name].float(), rtol=0, atol=0)
    there = base.info.classes.index
    torch.testing.assert_close(after["head.weight"][0], stored["head.weight"][there("normal")].float())
    torch.testing.assert_close(after["head.weight"][1], stored["head.weight"][there("cooling_valve_stuck")].float())
    torch.testing.assert_close(after["head.weight"][2], before["head.weight"][2])


def test_other_signals_are_one_line():
    options, info = own()
    other = dataclasses.replace(info, columns=tuple(f"s{n}" for n in range(len(NAMES))))
    with pytest.raises(UserError, match="was trained on other signals"):
        take_over(model_of(options, other), options, other)


def test_a_model_that_is_not_there_is_one_line(tmp_path, capsys):
    assert main(["train", "--init", str(tmp_path / "no"), "--result_path", str(tmp_path)]) == 2
    assert "is not a run folder" in capsys.readouterr().err
