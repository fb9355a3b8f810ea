"""Convolutions by products of matrices: PyTorch's numbers, values and gradients, whatever the shapes and the pieces."""

import copy

import pytest
import torch
from torch import nn

from layers import convolution
from layers.convolution import ProductConv1d, ProductConv2d, use_products

CASES = {
    "plain": (nn.Conv2d(5, 7, 3, stride=2, padding=1), (3, 5, 9, 11)),
    "stem": (nn.Conv2d(1, 4, 7, stride=2, padding=3), (2, 1, 8, 30)),
    "dilated": (nn.Conv2d(4, 6, 3, padding=4, dilation=4), (3, 4, 7, 20)),
    "one by one": (nn.Conv2d(3, 2, 1, bias=False), (2, 3, 5, 5)),
    "oblong": (nn.Conv2d(3, 2, (2, 5), stride=(3, 1), padding=(0, 2), dilation=(2, 1)), (4, 3, 13, 6)),
    "along time": (nn.Conv1d(5, 6, 7, padding=3), (3, 5, 40)),
    "same": (nn.Conv1d(5, 6, 5, padding="same"), (3, 5, 40)),
    "depthwise": (nn.Conv2d(4, 4, 5, padding=2, groups=4), (3, 4, 9, 12)),
    "depthwise strides": (nn.Conv2d(4, 4, (3, 2), stride=(2, 3), padding=1, groups=4, bias=False), (2, 4, 8, 11)),
    "depthwise dilated": (nn.Conv2d(2, 2, 3, padding=(1, 4), dilation=(1, 3), groups=2), (2, 2, 8, 11)),
    "depthwise along time": (nn.Conv1d(5, 5, 7, padding=3, groups=5), (3, 5, 40)),
    "nothing": (nn.Conv2d(3, 2, 3), (0, 3, 5, 5)),
}


def pair(case: str) -> tuple[nn.Module, nn.Module, torch.Tensor]:
    """A layer in float64, the same by products, and what goes in."""
    layer, shape = CASES[case]
    layer = copy.deepcopy(layer).double().requires_grad_(False)
    ours = nn.Sequential(copy.deepcopy(layer))
    use_products(ours)
    assert isinstance(ours[0], ProductConv1d | ProductConv2d)
    assert ours[0].state_dict().keys() == layer.state_dict().keys()
    return layer, ours[0], torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("piece", [1, 5000, 2**21])
@pytest.mark.parametrize("case", list(CASES))
def test_values_and_gradients_are_those_of_pytorch(case, piece, monkeypatch):
    monkeypatch.setattr(convolution, "PIECE", piece)
    layer, ours, x = pair(case)
    torch.testing.assert_close(ours(x), layer(x), rtol=0, atol=1e-12)
    if x.dim() == 4:
        torch.testing.assert_close(ours(x.to(memory_format=torch.channels_last)), layer(x), rtol=0, atol=1e-12)
    x.requires_grad_()
    slopes = torch.randn(layer(x).shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found, expected = (torch.autograd.grad((one(x) * slopes).sum(), x)[0] for one in (ours, layer))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_what_is_not_meant_for_it_stays_pytorchs(monkeypatch):
    def refuse(*_) -> None:
        raise AssertionError

    monkeypatch.setattr(convolution._Product, "apply", refuse)
    grouped = nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"))
    use_products(grouped.double())
    assert grouped(torch.randn(1, 4, 9, 9, dtype=torch.float64)).shape == (1, 4, 7, 7)
    learning = nn.Sequential(nn.Conv1d(2, 2, 3))
    use_products(learning)
    with torch.no_grad():
        assert learning(torch.randn(1, 2, 9)).dtype == torch.float32
    learning.double()(torch.randn(1, 2, 9, dtype=torch.float64)).sum().backward()
    assert learning[0].weight.grad is not None
