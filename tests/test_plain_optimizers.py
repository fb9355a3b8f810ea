"""An optimizer without the compiler's decorators takes the same steps, and its state is torch's own."""

import copy

import pytest
import torch
from torch import nn

from utils.optimizers import OPTIMIZERS, decay_groups
from utils.plain_optimizers import plain


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))


def take(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for step in range(steps):
        optimizer.zero_grad()
        x = torch.randn(4, 5, generator=torch.Generator().manual_seed(step))
        model(x).square().sum().backward()
        optimizer.step()


@pytest.mark.parametrize("foreach", [True, False])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_steps_and_the_state_are_those_of_torch(name, foreach):
    kind, models, states = OPTIMIZERS[name], [network(), network()], []
    for model, made in zip(models, (kind, plain(kind)), strict=True):
        optimizer = made(decay_groups(model, 0.01), lr=0.02, foreach=foreach)
        take(model, optimizer, 6)
        kept = copy.deepcopy(optimizer.state_dict())
        optimizer = made(decay_groups(model, 0.01), lr=1.0)
        optimizer.load_state_dict(kept)
        take(model, optimizer, 3)
        states.append(optimizer.state_dict())
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(one, other)
    assert states[0]["param_groups"] == states[1]["param_groups"]
    assert states[0]["state"].keys() == states[1]["state"].keys()
    for number, values in states[0]["state"].items():
        for key, value in values.items():
            assert value is None or torch.equal(value, states[1]["state"][number][key]), (number, key)


def test_it_is_the_same_class_to_who_looks():
    kind = plain(torch.optim.RAdam)
    assert issubclass(kind, torch.optim.RAdam)
    assert kind.__name__ == "RAdam"


def test_steps_are_taken_without_recording_them():
    model = network()
    optimizer = plain(torch.optim.Adam)(model.parameters())
    take(model, optimizer, 1)
    assert all(p.requires_grad and p.is_leaf for p in model.parameters())
    assert torch.is_grad_enabled()
