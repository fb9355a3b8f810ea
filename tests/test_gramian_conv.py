"""The convolution on factors against a dense convolution of the image."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from layers.cross_gramian import CrossGramianConv2d
from layers.gramian import METHODS, gramian, gramian_fields
from layers.gramian_conv import GramianConv2d

SHAPES = (  # kernel, stride, padding
    (7, 2, 3),
    (3, 1, 1),
    (16, 8, 4),
    (1, 1, 0),
    (4, 3, 5),
    ((5, 2), (1, 2), (0, 3)),
    ((2, 9), (4, 1), (1, 0)),
)


def pyts_formula(x: np.ndarray, method: str) -> np.ndarray:
    """(N, S) -> (N, S, S) as pyts computes it, in float64; tests/test_gramian.py holds the two equal."""
    cos, sin = x, np.sqrt(np.clip(1 - x**2, 0, 1))
    if method == "summation":
        return np.stack([np.outer(c, c) - np.outer(s, s) for c, s in zip(cos, sin, strict=True)])
    return np.stack([np.outer(s, c) - np.outer(c, s) for c, s in zip(cos, sin, strict=True)])


def windows(count: int = 3, steps: int = 23) -> Tensor:
    """(count, steps) in [-1, 1], both ends included."""
    x = torch.rand(count, steps, generator=torch.Generator().manual_seed(1)) * 2 - 1
    x[:, 0], x[:, -1] = -1.0, 1.0
    return x


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("kernel", "stride", "padding"), SHAPES)
def test_full_rank_is_the_dense_convolution(kernel, stride, padding, method: str) -> None:
    torch.manual_seed(0)
    dense = torch.nn.Conv2d(1, 6, kernel, stride, padding)
    layer = GramianConv2d(filters=6, kernel_size=kernel, stride=stride, padding=padding, method=method)
    layer.load_dense(dense.weight)
    layer.bias.data.copy_(dense.bias)
    x = windows()
    image = torch.from_numpy(pyts_formula(x.double().numpy(), method)).float()
    torch.testing.assert_close(layer.dense_kernel(), dense.weight, rtol=0, atol=1e-6)
    torch.testing.assert_close(layer(gramian(x)), dense(image.unsqueeze(1)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rank", [1, 2, 5])
def test_gradients_are_those_of_the_dense_convolution(rank: int, method: str) -> None:
    torch.manual_seed(0)
    layer = GramianConv2d(filters=4, kernel_size=5, stride=2, padding=2, rank=rank, method=method).double()
    ours, theirs = (windows().double().mul(0.9).requires_grad_() for _ in range(2))
    target = torch.randn(3, 4, 12, 12, dtype=torch.float64)
    parameters = list(layer.parameters())
    got = torch.autograd.grad((layer(gramian(ours)) * target).sum(), [ours, *parameters])
    image = gramian_fields(theirs, method).unsqueeze(1)
    dense = functional.conv2d(image, layer.dense_kernel(), layer.bias, 2, 2)
    expected = torch.autograd.grad((dense * target).sum(), [theirs, *parameters])
    for left, right in zip(got, expected, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_a_ready_image_gives_the_same(method: str) -> None:
    layer = GramianConv2d(filters=5, kernel_size=6, stride=4, padding=1, rank=2, method=method)
    x = windows()
    torch.testing.assert_close(layer.on_image(gramian_fields(x, method)), layer(gramian(x)), rtol=0, atol=1e-5)


def test_a_low_rank_is_the_best_there_is() -> None:
    kernel = torch.randn(3, 1, 6, 4, dtype=torch.float64)
    values = torch.linalg.svdvals(kernel.squeeze(1))  # (3, 4)
    for rank in (1, 2, 3, 4):
        layer = GramianConv2d(filters=3, kernel_size=(6, 4), rank=rank, method="summation").double()
        layer.load_dense(kernel)
        error = (layer.dense_kernel() - kernel).square().sum((1, 2, 3))
        torch.testing.assert_close(error, values[:, rank:].square().sum(1))


class LargestTensor(TorchDispatchMode):
    """Remembers the number of elements of the largest result of any operation."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor):
                self.largest = max(self.largest, tensor.untyped_storage().nbytes() // tensor.element_size())
        return result


def test_no_image_is_ever_built() -> None:
    layer = GramianConv2d(filters=2, kernel_size=8, stride=8, rank=2, method="difference")
    x = windows(2, 512)
    with LargestTensor() as small:
        layer(gramian(x)).sum().backward()
    with LargestTensor() as large:
        layer.on_image(gramian_fields(x, "difference"))
    assert large.largest >= 2 * 512 * 512
    assert small.largest <= 2 * 2 * 64 * 64 * 2


@pytest.mark.parametrize("rank", [0, 4, -1])
def test_a_rank_that_no_kernel_has_is_refused(rank: int) -> None:
    with pytest.raises(ValueError, match="rank"):
        GramianConv2d(filters=1, kernel_size=(3, 5), rank=rank, method="summation")


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown method 'gasf'"):
        GramianConv2d(filters=1, kernel_size=3, method="gasf")


def test_maps_start_at_the_size_of_unit_noise() -> None:
    torch.manual_seed(0)
    kernels = GramianConv2d(filters=400, kernel_size=16, rank=2, method="summation").dense_kernel()
    # He's variance: 2 over the 256 entries of a kernel.
    assert kernels.var().item() == pytest.approx(2 / 256, rel=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_all_gradients_are_right(method: str) -> None:
    torch.manual_seed(0)
    layer = GramianConv2d(filters=3, kernel_size=(4, 3), stride=(2, 1), padding=1, rank=2, method=method).double()
    x = (torch.rand(2, 7, dtype=torch.float64) * 1.8 - 0.9).requires_grad_()
    parameters = [parameter.detach().requires_grad_() for parameter in layer.parameters()]

    def maps(x: Tensor, *values: Tensor) -> Tensor:
        named = dict(zip(dict(layer.named_parameters()), values, strict=True))
        return torch.func.functional_call(layer, named, (gramian(x),))

    assert torch.autograd.gradcheck(maps, (x, *parameters))
    assert torch.autograd.gradgradcheck(maps, (x, *parameters))


def test_maps_lie_channels_last_and_the_state_holds_the_weights_alone() -> None:
    layer = GramianConv2d(filters=4, kernel_size=3, method="summation")
    assert layer(gramian(windows())).is_contiguous(memory_format=torch.channels_last)
    assert list(layer.state_dict()) == ["row", "column", "bias"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("kernel", "stride", "padding", "rank"), [(8, 4, 4, 2), (3, 1, 1, 3), (1, 1, 0, 1)])
def test_fields_between_signals_are_convolved_as_images_of_every_pair_are(kernel, stride, padding, rank, method):
    """Against cos(phi_c(i) + phi_d(j)) and sin(phi_c(i) - phi_d(j)) written out, of a signal at the angle 0 too."""
    torch.manual_seed(0)
    layer = CrossGramianConv2d(
        signals=3, filters=4, kernel_size=kernel, method=method, stride=stride, padding=padding, rank=rank
    ).double()
    layer.bias.data.normal_()
    x = (torch.rand(2, 3, 17, dtype=torch.float64) * 2 - 1).mul(0.99)
    angle = torch.cat((x.acos(), torch.zeros_like(x[:, :1])), 1)
    left, right = angle[:, :, None, :, None], angle[:, None, :, None, :]
    images = (left + right).cos() if method == "summation" else (left - right).sin()
    kernels = torch.einsum("frci,frdj->fcdij", layer.row, layer.column).flatten(1, 2)
    dense = functional.conv2d(images.flatten(1, 2), kernels, layer.bias, stride, padding)
    torch.testing.assert_close(layer(gramian(x)), dense, rtol=0, atol=1e-10)
    torch.testing.assert_close(layer.on_images(gramian(x)), dense, rtol=0, atol=1e-10)


def test_maps_of_fields_between_signals_begin_with_a_usual_size() -> None:
    torch.manual_seed(0)
    for signals in (1, 5, 40):
        layer = CrossGramianConv2d(
            signals=signals, filters=64, kernel_size=8, method="summation", stride=4, padding=4, rank=2
        )
        maps = layer(gramian(torch.rand(8, signals, 48) * 2 - 1))
        assert 0.2 < maps.std() < 3
