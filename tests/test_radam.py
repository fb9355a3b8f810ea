"""RAdam in one pass: PyTorch's numbers and PyTorch's state."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.adam import adam

from utils import radam
from utils.radam import RAdam, rectification

SETTINGS = {"lr": 1e-2, "weight_decay": 0.05, "betas": (0.9, 0.99), "eps": 1e-3}


def weights(dtype: torch.dtype = torch.float64) -> list[nn.Parameter]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in ((3, 4), (5,), ())]


def give_gradients(parameters: list[nn.Parameter], step: int) -> None:
    """The same for the same step; every third step leaves the second parameter without one."""
    generator = torch.Generator().manual_seed(step)
    for i, parameter in enumerate(parameters):
        gradient = torch.randn(parameter.shape, generator=generator, dtype=torch.float64).to(parameter.dtype)
        parameter.grad = None if i == 1 and step % 3 == 0 else gradient


def train(parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        give_gradients(parameters, step)
        optimizer.step()


def assert_same(ours: list[nn.Parameter], theirs: list[nn.Parameter], tolerance: float = 1e-13) -> None:
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


@pytest.fixture
def fused(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the parameters of each call of the fused kernel."""
    calls: list[int] = []

    def counting(parameters: list[torch.Tensor], *rest: object, **options: object) -> None:
        calls.append(len(parameters))
        adam(parameters, *rest, **options)

    monkeypatch.setattr(radam, "adam", counting)
    return calls


@pytest.mark.parametrize("change", [{}, {"maximize": True}, {"weight_decay": 0.0}, {"betas": (0.8, 0.999)}], ids=str)
def test_the_numbers_are_those_of_pytorch(change: dict[str, object], fused: list[int]) -> None:
    ours, theirs = weights(), weights()
    first, second = RAdam(ours, **SETTINGS | change), torch.optim.RAdam(theirs, **SETTINGS | change)
    for step in range(1, 30):
        train(ours, first, range(step, step + 1))
        train(theirs, second, range(step, step + 1))
        assert_same(ours, theirs)
    assert sum(fused) > 40  # most of the steps


def test_single_precision_is_as_exact_as_it_can_be() -> None:
    ours, theirs = weights(torch.float32), weights(torch.float32)
    train(ours, RAdam(ours, **SETTINGS), range(1, 30))
    train(theirs, torch.optim.RAdam(theirs, **SETTINGS), range(1, 30))
    assert_same(ours, theirs, 1e-5)


@pytest.mark.parametrize("begun", [2, 12])
@pytest.mark.parametrize(("former", "latter"), [(torch.optim.RAdam, RAdam), (RAdam, torch.optim.RAdam)])
def test_each_goes_on_from_the_state_of_the_other(former: type, latter: type, begun: int) -> None:
    whole, parts = weights(), weights()
    train(whole, torch.optim.RAdam(whole, **SETTINGS), range(1, 20))
    first = former(parts, foreach=True, **SETTINGS)
    train(parts, first, range(1, begun))
    second = latter(parts, lr=1.0)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    train(parts, second, range(begun, 20))
    assert_same(parts, whole)


def test_the_rate_may_change_and_a_closure_is_evaluated_once(fused: list[int]) -> None:
    ours, theirs = weights(), weights()
    pairs = [(ours, RAdam(ours, **SETTINGS)), (theirs, torch.optim.RAdam(theirs, **SETTINGS))]
    calls = []
    for step in range(1, 12):
        for parameters, optimizer in pairs:
            optimizer.param_groups[0]["lr"] = 1e-2 / step

            def closure(parameters: list[nn.Parameter] = parameters) -> torch.Tensor:
                calls.append(torch.is_grad_enabled())
                for parameter in parameters:
                    parameter.grad = None
                loss = sum(((parameter - 1) ** 2).sum() for parameter in parameters)
                loss.backward()
                return loss.detach()

            assert optimizer.step(closure) > 0
    assert_same(ours, theirs)
    assert calls == [True] * 22
    assert fused


def test_a_parameter_that_never_has_a_gradient_holds_nobody_up(fused: list[int]) -> None:
    parameters = weights()
    optimizer = RAdam(parameters, **SETTINGS)
    before = parameters[2].detach().clone()
    for step in range(1, 20):
        give_gradients(parameters, step)
        parameters[2].grad = None
        optimizer.step()
    assert torch.equal(parameters[2], before)
    assert parameters[2] not in optimizer.state
    assert fused


def test_what_the_kernel_cannot_do_is_done_by_pytorch(fused: list[int]) -> None:
    ours, theirs = weights(), weights()
    train(ours, RAdam(ours, decoupled_weight_decay=True, **SETTINGS), range(1, 15))
    train(theirs, torch.optim.RAdam(theirs, decoupled_weight_decay=True, **SETTINGS), range(1, 15))
    assert_same(ours, theirs, 0.0)
    assert fused == []


def test_rectification_begins_with_the_sixth_step_and_ends_at_one() -> None:
    assert [rectification(step, 0.999) > 0 for step in range(1, 8)] == [False] * 5 + [True] * 2
    assert rectification(100_000, 0.999) == pytest.approx(1.0)
