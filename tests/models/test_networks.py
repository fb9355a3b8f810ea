"""Every network and every entry of every registry within DualGAFNet.

Each of `NETWORKS` uses one entry of every registry, and together they use all of them, so that a new entry is tested by
being registered and the expensive checks are done a few times only.
"""

import dataclasses
import itertools

import pytest
import torch
from torch import Tensor, nn

from layers.encoders import BETWEEN, ENCODERS
from models import MODELS, ModelSettings
from models.config import ABLATIONS, REGISTRIES
from models.summary import count
from utils.errors import UserError

COLUMNS = ("SA_TEMP", "OA_TEMP", "MA_TEMP", "SA_CFM", "CHWC_VLV")
LENGTH = 21
CLASSES = 3
APART = ("ablation_mode", "gaf_backend", "norm")  # tested by themselves
PARTS = {"encoder": {**BETWEEN, **ENCODERS}, **{name: r for name, r in REGISTRIES.items() if name not in APART}}


def covering() -> list[dict[str, str]]:
    """Settings such that every entry of `PARTS` is in one of them."""
    rounds = max(len(registry) for registry in PARTS.values())
    endless = {name: itertools.cycle(registry) for name, registry in PARTS.items()}
    return [{name: next(entries) for name, entries in endless.items()} for _ in range(rounds)]


NETWORKS: dict[str, tuple[str, dict[str, object]]] = {
    **{f"parts {i}: {' '.join(chosen.values())}": ("DualGAFNet", dict(chosen)) for i, chosen in enumerate(covering())},
    **{name: (name, {}) for name in MODELS},
    "groups": ("DualGAFNet", {"signal_groups": "SA_CFM|OA_TEMP,SA_TEMP", "group_encoders": "multiscale|gramian"}),
    "compressed": ("DualGAFNet", {"compression_ratio": 0.5}),
    "timm": ("DualGAFNet", {"encoder": "timm:lcnet_050", "image_size": 16}),
    "small images": ("DualGAFNet", {"image_size": 10}),
    "groups between": ("DualGAFNet", {"signal_groups": "SA_CFM|OA_TEMP,SA_TEMP"}),
    "groups mixed": ("DualGAFNet", {"signal_groups": "SA_CFM,MA_TEMP", "group_encoders": "gramian"}),
}


def build(name: str, columns: tuple[str, ...] = COLUMNS, length: int = LENGTH, **changes: object) -> nn.Module:
    """The network `name` of `NETWORKS` without dropout."""
    torch.manual_seed(0)
    model, settings = NETWORKS[name]
    chosen = ModelSettings(**{"dropout": 0.0, **settings, **changes})
    return MODELS[model](columns=columns, length=length, classes=CLASSES, settings=chosen)


def windows(batch: int, columns: int = len(COLUMNS), length: int = LENGTH) -> Tensor:
    """(batch, columns, length) in [-1, 1], both ends included, one signal constant."""
    x = torch.rand(batch, columns, length, generator=torch.Generator().manual_seed(batch)) * 2 - 1
    x[:, 0, 0], x[:, 0, 1], x[:, -1] = 1.0, -1.0, 0.3
    return x


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_answers_and_all_of_it_trains(name: str) -> None:
    model = build(name).train()
    x = windows(4)
    logits = model(x)
    assert logits.shape == (4, CLASSES)
    torch.testing.assert_close(model.head(model.features(x)), logits)
    assert model.features(x).shape == (4, model.head.in_features)
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name


@pytest.mark.parametrize("name", NETWORKS)
def test_a_window_is_evaluated_by_itself_while_training_too(name: str) -> None:
    model = build(name).train()
    x = windows(4)
    with torch.no_grad():
        together, alone = model(x), torch.cat([model(window) for window in x.split(1)])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "timm"])
def test_rounding_is_not_magnified_by_constant_signals(name: str) -> None:
    model, x = build(name).eval(), windows(3)
    x[:, :3] = torch.tensor([-1.0, 0.3, 1.0]).view(1, 3, 1)
    with torch.no_grad():
        torch.testing.assert_close(model(x).double(), model.double()(x.double()), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_restored_network_gives_the_same_answers(name: str, tmp_path) -> None:
    model = build(name)
    torch.manual_seed(99)
    kind, settings = NETWORKS[name]
    other = MODELS[kind](
        columns=COLUMNS, length=LENGTH, classes=CLASSES, settings=ModelSettings(**{"dropout": 0.0, **settings})
    )
    x = windows(2)
    torch.save(model.state_dict(), tmp_path / "state.pt")
    assert not torch.equal(other.eval()(x), model.eval()(x))
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(other(x), model(x))


@pytest.mark.parametrize(
    "name", [n for n in NETWORKS if n not in ("groups", "groups between", "groups mixed", "timm", "small images")]
)
@pytest.mark.parametrize(("signals", "length"), [(1, 9), (3, 14)])
def test_a_network_takes_one_signal_and_short_windows(name: str, signals: int, length: int) -> None:
    model = build(name, columns=COLUMNS[:signals], length=length).eval()
    with torch.no_grad():
        assert torch.isfinite(model(windows(1, signals, length))).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_and_multiply_adds_are_counted(name: str) -> None:
    model = build(name)
    parameters, multiply_adds = count(model, COLUMNS, LENGTH)
    assert parameters == sum(p.numel() for p in model.parameters())
    assert multiply_adds > model.head.in_features * CLASSES
    assert all(p.device.type == "cpu" for p in model.parameters())


def test_multiply_adds_are_those_of_the_layers() -> None:
    model = MODELS["OneDCNN"](columns=COLUMNS, length=20, classes=CLASSES, settings=ModelSettings())
    expected = 5 * 64 * 7 * 20 + 64 * 128 * 5 * 10 + 128 * 128 * 3 * 5 + 128 * CLASSES
    assert count(model, COLUMNS, 20)[1] == expected


@pytest.mark.parametrize("name", NETWORKS)
def test_batch_norm_is_there_by_choice_only(name: str) -> None:
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
    assert not any(isinstance(module, kinds) for module in build(name).modules())
    model = build(name, norm="batch")
    assert any(isinstance(module, kinds) for module in model.modules())
    assert model.train()(windows(2)).shape == (2, CLASSES)


@pytest.mark.parametrize("encoder", ["between", "gramian"])
@pytest.mark.parametrize("mode", [mode for mode in ABLATIONS if mode != "none"])
def test_what_is_ablated_is_not_built(mode: str, encoder: str) -> None:
    whole = build("DualGAFNet", encoder=encoder)
    model = build("DualGAFNet", encoder=encoder, ablation_mode=mode)
    assert count(model, COLUMNS, LENGTH)[0] < count(whole, COLUMNS, LENGTH)[0]
    assert count(model, COLUMNS, LENGTH)[1] < count(whole, COLUMNS, LENGTH)[1]
    names = {name for name, _ in model.named_parameters()}
    attention = "statistics.attention" if encoder == "between" or mode == "no_fields" else "attention"
    gone = {
        "no_diff": ("branches.difference", "fusion"),
        "no_stat": ("statistics",),
        "no_fields": ("branches", "fusion"),
        "no_attention": (attention,),
        "minimal": ("branches.difference", "fusion", "statistics", attention),
    }[mode]
    assert not [name for name in names if name.startswith(gone)]
    left = [part for part in ("branches.difference", "statistics", attention) if not part.startswith(gone)]
    for part in left:
        assert [name for name in names if name.startswith(part)]


def test_an_ablation_is_the_same_network_as_the_settings_it_stands_for() -> None:
    same = ("no_stat", {"use_statistical_features": False}), ("no_attention", {"attention": "none"})
    for mode, settings in same:
        left, right = build("DualGAFNet", ablation_mode=mode), build("DualGAFNet", **settings)
        assert left.state_dict().keys() == right.state_dict().keys()
        assert torch.equal(left.eval()(windows(2)), right.eval()(windows(2)))
    single, no_diff = build("SingleGAFNet"), build("DualGAFNet", ablation_mode="no_diff")
    assert torch.equal(single.eval()(windows(2)), no_diff.eval()(windows(2)))


def test_a_network_without_fields_needs_statistics() -> None:
    with pytest.raises(UserError, match="needs the statistics"):
        build("DualGAFNet", ablation_mode="no_fields", use_statistical_features=False)


def test_the_window_range_loses_the_level_where_nothing_else_carries_it() -> None:
    x = windows(2) * 0.5
    blind = build("DualGAFNet", gaf_range="window", ablation_mode="no_stat").eval()
    seeing = build("DualGAFNet", gaf_range="window").eval()
    torch.testing.assert_close(blind(x), blind(x * 0.5 + 0.2), rtol=0, atol=2e-3)
    unseen = (blind(x) - blind(x * 0.5 + 0.2)).abs().max()
    assert (seeing(x) - seeing(x * 0.5 + 0.2)).abs().max() > max(2e-3, 5 * unseen)


def test_compression_mixes_before_anything_costs() -> None:
    whole, half = (build(name, encoder="gramian") for name in ("DualGAFNet", "compressed"))
    assert half.compression.weight.shape == (3, 5)
    assert count(half, COLUMNS, LENGTH)[1] < 0.7 * count(whole, COLUMNS, LENGTH)[1]


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelSettings().norm = "batch"
