"""Windows that lack sensors are held to known windows that lack as many."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from data_provider import load_data
from exp.evaluation.calibration import RATES
from exp.evaluation.decision import Decision, DecisionRule
from exp.evaluation.inference import answers, exact
from exp.evaluation.limits import LimitTable, Scores, levels_of, most_missing, rank_of
from exp.runs.artifact import load_artifact
from exp.runs.run_folder import RunFolder
from tests.kit import train, write_folder
from utils.errors import UserError


def scores(middle: float) -> Scores:
    return Scores(novelty=np.linspace(0, 2 * middle, RATES), false_alarm=np.linspace(0, 1, RATES) / middle)


def table(levels: dict[int, Scores]) -> LimitTable:
    return LimitTable(levels, unknown_rate=0.5, false_alarm_rate=0.5, has_normal=True)


def test_the_next_higher_number_that_was_measured_decides():
    limits = table({0: scores(1), 2: scores(2), 5: scores(4)})
    missing = torch.zeros(7, 8, dtype=torch.bool)
    for number in range(7):
        missing[number, :number] = True
    found = limits(missing)
    assert found.novelty.tolist() == [1, 2, 2, 4, 4, 4, 4]
    assert found.false_alarm.tolist() == [0.5, 0.25, 0.25, 0.125, 0.125, 0.125, 0.125]
    novelty = torch.ones(7, dtype=torch.float64)
    assert rank_of(novelty, found.quantiles).tolist() == [0.5, 0.25, 0.25, *[0.125] * 4]


def test_without_tables_all_windows_are_held_to_whole_ones():
    for missing in (None, torch.ones(3, 4, dtype=torch.bool)):
        found = table({0: scores(1)})(missing)
        assert found.novelty.tolist() == [1]
        assert found.quantiles.shape == (1, RATES)


@pytest.mark.parametrize("most", [0, 1, 2, 6, 7, 13, 96])
def test_levels_reach_from_one_to_the_most(most):
    levels = levels_of(most)
    assert levels == sorted({*levels})
    assert len(levels) <= 6
    assert (levels[-1] if levels else 0) == most
    if 0 < most <= 6:
        assert levels == [*range(1, most + 1)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    flags = ["--train_epochs", "6", "--batch_size", "8", "--augment", "drop_sensor:0.3", "--stride", "4", "--seed", "3"]
    status, run = train(write_folder(folder / "data"), folder / "results", *flags)
    assert status == 0
    return run


def test_known_windows_without_sensors_are_not_unknown(trained):
    """They were: all of them, with a confidence of .99, because whole windows had set the threshold."""
    artifact, data = load_artifact(trained / "model"), load_data(RunFolder(trained).options())
    decision = artifact.decision
    most = most_missing(5, artifact.options.augment)
    assert most == 4
    assert [*decision.lacking] == [1, 2, 3, 4]
    model, device = exact(artifact.model), torch.device("cpu")
    places = np.arange(len(data.val))
    batch = data.val.gather(places)
    shares = {}
    for lacking in (1, 2, 3):
        missing = torch.zeros(len(places), 5, dtype=torch.bool)
        random = np.random.default_rng(100 + lacking)
        for row in missing:
            row[random.permutation(5)[:lacking]] = True
        logits, features = answers(model, data.val, places, device, kept=~missing)
        for name, own in (("now", decision), ("before", dataclasses.replace(decision, lacking={}))):
            rule = DecisionRule(own, artifact.info, unknown_rate=0.05, false_alarm_rate=1, most_missing=most)
            said = rule(
                readings=torch.from_numpy(data.val.readings(places)),
                missing=missing,
                x=batch.x * ~missing[:, :, None],
                logits=logits,
                features=features,
            )
            shares[lacking, name] = float((said.number == len(artifact.info.classes)).double().mean())
    assert all(share <= 0.1 for (_, name), share in shares.items() if name == "now"), shares
    assert all(share > 0.2 for (_, name), share in shares.items() if name == "before"), shares


def test_tables_are_kept_with_the_model(trained):
    content = json.loads((trained / "model" / "model.json").read_text(encoding="utf-8"))
    own = load_artifact(trained / "model").decision
    again = Decision.from_dict(content["decision"], own.to_tensors())
    assert [*again.lacking] == [*own.lacking]
    for level, kept in own.lacking.items():
        np.testing.assert_array_equal(again.lacking[level].novelty, kept.novelty)
        np.testing.assert_array_equal(again.lacking[level].false_alarm, kept.false_alarm)


def test_an_earlier_model_has_none(trained):
    content = json.loads((trained / "model" / "model.json").read_text(encoding="utf-8"))["decision"]
    del content["lacking"]
    assert Decision.from_dict(content, load_artifact(trained / "model").decision.to_tensors()).lacking == {}


@pytest.mark.parametrize("wrong", [{"x": {}}, {"9": {}}, {"1": {"unknown": [1.0], "alarm": []}}, []])
def test_other_tables_are_refused(trained, wrong):
    from exp.runs.model_schema import check_description

    content = json.loads((trained / "model" / "model.json").read_text(encoding="utf-8"))
    content["decision"]["lacking"] = wrong
    with pytest.raises(UserError, match=r"decision\.lacking"):
        check_description(content, "model.json")
