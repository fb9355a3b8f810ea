"""Optimizers by name: plain PyTorch's numbers, weight decay where it belongs; and averaged weights."""

import copy

import pytest
import torch
from torch import nn

from utils.ema import build_ema
from utils.errors import UserError
from utils.optimizers import OPTIMIZERS, build_optimizer, timm_optimizers


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [
        nn.Conv1d(3, 8, 3),
        nn.GroupNorm(2, 8),
        nn.Flatten(),
        nn.Linear(48, 8),
        nn.BatchNorm1d(8),
        nn.Linear(8, 4),
    ]
    return nn.Sequential(*layers)


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, number: int) -> list[torch.Tensor]:
    """The parameters after training on fixed noise."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(number):
        x = torch.randn(16, 3, 8, generator=generator)
        target = torch.randint(4, (16,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), target).backward()
        optimizer.step()
    return [p.detach() for p in model.parameters()]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_pytorch_own(name):
    ours, plain = network().double(), network().double()
    groups = [
        {"params": [p for p in plain.parameters() if p.dim() > 1], "weight_decay": 0.05},
        {"params": [p for p in plain.parameters() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    extra = {"momentum": 0.9} if name == "sgd" else {}
    pytorch = torch.optim.RAdam if name == "radam" else OPTIMIZERS[name]
    reference = pytorch(groups, lr=1e-2, foreach=False, **extra)
    built = build_optimizer(ours, name=name, learning_rate=1e-2, weight_decay=0.05)
    for _ in range(12):
        for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        built.step()
        reference.step()
    for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_comes_back(name):
    model = network()
    optimizer = build_optimizer(model, name=name, learning_rate=1e-2, weight_decay=1e-2)
    steps(model, optimizer, 3)
    twin = copy.deepcopy(model)
    other = build_optimizer(twin, name=name, learning_rate=1.0, weight_decay=0.0)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for a, b in zip(steps(model, optimizer, 2), steps(twin, other, 2), strict=True):
        assert torch.equal(a, b)


def test_radam_comes_first():
    assert next(iter(OPTIMIZERS)) == "radam"


def test_weight_decay_spares_norms_and_biases():
    model = network()
    optimizer = build_optimizer(model, name="adamw", learning_rate=1e-3, weight_decay=0.1)
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    for name, parameter in model.named_parameters():
        kernel = name in ("0.weight", "3.weight", "5.weight")
        assert decays[id(parameter)] == (0.1 if kernel else 0.0), name
    assert len(decays) == len(list(model.parameters()))


def test_frozen_parameters_are_left_out_and_shared_ones_count_once():
    model = network()
    model[0].requires_grad_(False)
    shared = nn.ModuleList([model, model[5]])
    optimizer = build_optimizer([*shared.parameters(), model[5].weight], name="sgd", learning_rate=0.1, weight_decay=0)
    built = [p for group in optimizer.param_groups for p in group["params"]]
    assert len(built) == len({id(p) for p in built}) == 8


def test_a_group_without_parameters_is_not_built():
    optimizer = build_optimizer(nn.Linear(2, 2, bias=False), name="radam", learning_rate=0.1, weight_decay=0.1)
    assert len(optimizer.param_groups) == 1


def test_momentum_reaches_the_optimizers_that_have_it():
    built = [build_optimizer(network(), name=n, learning_rate=0.1, weight_decay=0, momentum=0.5) for n in OPTIMIZERS]
    assert {type(o).__name__: o.defaults["momentum"] for o in built if "momentum" in o.defaults} == {"SGD": 0.5}


@pytest.mark.parametrize("name", ["adamp", "lion", "lamb", "nadamw", "adopt", "muon"])
def test_optimizers_of_timm_take_a_step(name):
    assert name in timm_optimizers()
    model = network()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = build_optimizer(model, name=f"timm:{name}", learning_rate=1e-3, weight_decay=1e-2)
    after = steps(model, optimizer, 2)
    assert all(p.isfinite().all() for p in after)
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0, 1e-2}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "radm"}, "unknown optimizer 'radm'; choose one of: .*radam.*timm:NAME"),
        ({"name": "timm:radm"}, "unknown optimizer 'timm:radm'; choose one of: .*timm:lion"),
        ({"name": "timm:"}, "unknown optimizer 'timm:'"),
        ({"name": "timm:adahessian"}, "unknown optimizer"),
        ({"name": ""}, "unknown optimizer ''"),
        ({"learning_rate": 0.0}, "learning rate is 0.0"),
        ({"learning_rate": float("nan")}, "learning rate is nan"),
        ({"learning_rate": float("inf")}, "learning rate is inf"),
        ({"weight_decay": -1e-4}, "weight decay is -0.0001"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_one_line(changes, words):
    settings = {"name": "radam", "learning_rate": 1e-3, "weight_decay": 0.0} | changes
    with pytest.raises(UserError, match=words) as caught:
        build_optimizer(network(), **settings)
    assert "\n" not in str(caught.value)


def test_averaged_weights_follow_the_formula():
    model = network()
    ema = build_ema(model, decay=0.9)
    expected = torch.zeros(())
    optimizer = build_optimizer(model, name="sgd", learning_rate=0.1, weight_decay=0.0)
    for updates in range(100):
        steps(model, optimizer, 1)
        ema.update_parameters(model)
        weight = model[0].weight.detach().double()
        decay = min(0.9, (1 + updates) / (10 + updates))
        expected = weight.clone() if updates == 0 else decay * expected + (1 - decay) * weight
    torch.testing.assert_close(ema.module[0].weight.double(), expected, rtol=1e-5, atol=1e-6)
    assert ema.module[4].num_batches_tracked == model[4].num_batches_tracked == 100
    assert not torch.equal(ema.module[4].running_mean, model[4].running_mean)
    assert not torch.equal(ema.module[0].weight, model[0].weight)


def test_averaged_weights_forget_their_beginning_in_a_short_run():
    """With a plain 0.999 a run of 50 steps would keep 95 % of its initial weights."""
    model = nn.Linear(1, 1)
    ema = build_ema(model, decay=0.999)
    nn.init.constant_(model.weight, 0.0)
    ema.update_parameters(model)
    nn.init.constant_(model.weight, 1.0)
    for _ in range(50):
        ema.update_parameters(model)
    assert ema.module.weight.item() > 0.99


def test_averaged_weights_go_on_from_their_state():
    model = network()
    ema = build_ema(model, decay=0.99)
    optimizer = build_optimizer(model, name="sgd", learning_rate=0.1, weight_decay=0.0)
    for _ in range(3):
        steps(model, optimizer, 1)
        ema.update_parameters(model)
    other = build_ema(network(), decay=0.99)
    other.load_state_dict(copy.deepcopy(ema.state_dict()))
    steps(model, optimizer, 1)
    ema.update_parameters(model)
    other.update_parameters(model)
    for a, b in zip(ema.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.5, float("nan")])
def test_a_decay_out_of_range_is_one_line(decay):
    with pytest.raises(UserError, match="--ema"):
        build_ema(nn.Linear(1, 1), decay=decay)
