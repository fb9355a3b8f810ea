"""Every entry of the layers' registries: shapes, gradients; and what tells one entry from another."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from layers.attention import ATTENTIONS
from layers.branch import Branch, GroupedBranch
from layers.classifiers import CLASSIFIERS
from layers.compression import SignalCompression
from layers.cross_attention import CrossAttention
from layers.encoders import BETWEEN, ENCODERS
from layers.encoders.image import PooledLinear
from layers.fusion import FUSIONS
from layers.gramian import METHODS, Gramian, gramian
from layers.norm import NORMS
from layers.statistics.fusion import STAT_FUSIONS

PARTS: dict[str, tuple[Callable[[], nn.Module], tuple[tuple[int, ...], ...]]] = {
    **{f"fusion {n}": (lambda c=c: c(dim=6), ((2, 5, 6), (2, 5, 6))) for n, c in FUSIONS.items()},
    **{f"attention {n}": (lambda c=c: c(signals=5, dim=6), ((2, 5, 6),)) for n, c in ATTENTIONS.items()},
    **{f"stat {n}": (lambda c=c: c(dim=6, stat_dim=3), ((2, 5, 6), (2, 5, 3))) for n, c in STAT_FUSIONS.items()},
    **{f"stat of window {n}": (lambda c=c: c(dim=6, stat_dim=3), ((2, 6), (2, 3))) for n, c in STAT_FUSIONS.items()},
    **{f"classifier {n}": (lambda c=c: c(inputs=7, dropout=0.0), ((2, 7),)) for n, c in CLASSIFIERS.items()},
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_keeps_its_promise_of_shape_and_trains_whole(name: str) -> None:
    torch.manual_seed(0)
    build, shapes = PARTS[name]
    part = build()
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    result = part(*inputs)
    assert result.shape == (*shapes[0][:-1], getattr(part, "dim", shapes[0][-1]))
    (result * torch.randn(result.shape)).sum().backward()
    for tensor in (*inputs, *part.parameters()):
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad.abs().max() > 0


@pytest.mark.parametrize("name", PARTS)
def test_a_part_looks_at_one_window_at_a_time(name: str) -> None:
    torch.manual_seed(0)
    build, shapes = PARTS[name]
    part = build()
    inputs = [torch.randn(shape) for shape in shapes]
    together = part(*inputs)
    torch.testing.assert_close(together[:1], part(*(tensor[:1] for tensor in inputs)))


def pair() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(3, 4, 6), torch.randn(3, 4, 6)


def test_fusions_that_are_a_formula() -> None:
    a, b = pair()
    assert torch.equal(FUSIONS["add"](dim=6)(a, b), a + b)
    assert torch.equal(FUSIONS["mul"](dim=6)(a, b), a * b)
    assert torch.equal(FUSIONS["concat"](dim=6)(a, b), torch.cat((a, b), -1))
    torch.testing.assert_close(FUSIONS["weighted_add"](dim=6)(a, b), (a + b) / 2)


@pytest.mark.parametrize("name", ["adaptive", "weighted_add", "gated"])
def test_fusions_that_choose_stay_between_the_two(name: str) -> None:
    a, b = pair()
    fused = FUSIONS[name](dim=6)(a, b)
    assert (fused <= torch.maximum(a, b) + 1e-6).all()
    assert (fused >= torch.minimum(a, b) - 1e-6).all()


def test_attention_over_signals_only_gates_except_self_attention() -> None:
    a, _ = pair()
    assert torch.equal(ATTENTIONS["none"](signals=4, dim=6)(a), a)
    channel = ATTENTIONS["channel"](signals=4, dim=6)(a) / a  # (3, 4, 6): one gate a signal
    torch.testing.assert_close(channel, channel[:, :, :1].expand_as(a), rtol=1e-4, atol=1e-6)
    spatial = ATTENTIONS["spatial"](signals=4, dim=6)(a) / a  # one gate a feature
    torch.testing.assert_close(spatial, spatial[:, :1].expand_as(a), rtol=1e-4, atol=1e-6)
    cbam = ATTENTIONS["cbam"](signals=4, dim=6)(a) / a
    for gate in (channel, spatial, cbam):
        assert (gate > 0).all()
        assert (gate < 1).all()


@pytest.mark.parametrize("dim", [1, 5, 6, 8])
def test_cross_attention_is_that_of_torch(dim: int) -> None:
    torch.manual_seed(0)
    layer = CrossAttention(dim=dim)
    asking, answering = torch.randn(2, 3, dim), torch.randn(2, 7, dim)
    reference = nn.MultiheadAttention(dim, layer.heads, batch_first=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.cat((layer.query.weight, layer.key.weight, layer.value.weight)))
        reference.in_proj_bias.copy_(torch.cat((layer.query.bias, torch.zeros(dim), layer.value.bias)))
        reference.out_proj.load_state_dict(layer.out.state_dict())
    expected, _ = reference(asking, answering, answering)
    torch.testing.assert_close(layer(asking, answering), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_trains_whole_on_odd_sides(name: str, method: str) -> None:
    torch.manual_seed(0)
    encoder = ENCODERS[name](method=method, size=21, dim=5, norm="group")
    features = encoder(gramian(torch.rand(3, 21) * 2 - 1))
    assert features.shape == (3, 5)
    (features * torch.randn(3, 5)).sum().backward()
    without = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert without == []


@pytest.mark.parametrize("size", [2, 4, 9, 21])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", BETWEEN)
def test_an_encoder_of_fields_between_signals_trains_whole(name: str, method: str, size: int) -> None:
    torch.manual_seed(0)
    encoder = BETWEEN[name](signals=4, method=method, size=size, dim=5, norm="group")
    features = encoder(gramian(torch.rand(3, 4, size) * 2 - 1))
    assert features.shape == (3, 5)
    (features * torch.randn(3, 5)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


@pytest.mark.parametrize("name", BETWEEN)
def test_fields_between_signals_show_how_they_go_together(name: str) -> None:
    """The same two signals, once together and once apart: the field of each alone differs by its place only."""
    torch.manual_seed(0)
    encoder = BETWEEN[name](signals=2, method="summation", size=48, dim=16, norm="group")
    wave = torch.sin(torch.linspace(0, 12.566, 49))[:48]
    together, late = torch.stack((wave, wave)), torch.stack((wave, wave.roll(12)))
    fields = gramian(torch.stack((together, late)))
    first, second = encoder(fields)
    assert (first - second).abs().max() > 1e-2


@pytest.mark.parametrize("size", [8, 9, 17])
@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_takes_small_fields_and_one_signal(name: str, size: int) -> None:
    encoder = ENCODERS[name](method="summation", size=size, dim=3, norm="group")
    assert torch.isfinite(encoder(gramian(torch.rand(1, size)))).all()


def test_dilated_has_the_published_layers() -> None:
    modules = list(ENCODERS["dilated"](method="summation", size=96, dim=128, norm="group").modules())
    convolutions = [m for m in modules if isinstance(m, nn.Conv2d)]
    shapes = [(m.out_channels, m.kernel_size[0], m.stride[0], m.dilation[0]) for m in convolutions]
    assert shapes == [(32, 7, 2, 1), (64, 3, 1, 2), (128, 3, 1, 4)]
    assert [m.out_features for m in modules if isinstance(m, nn.Linear)] == [128]


@pytest.mark.parametrize("channels", [1, 2, 3, 7, 12, 64])
def test_group_norm_has_at_least_two_channels_a_group(channels: int) -> None:
    norm = NORMS["group"](channels)
    assert channels % norm.num_groups == 0
    assert channels // norm.num_groups >= min(2, channels)


def test_compression_stays_in_range_and_begins_as_means_of_neighbours() -> None:
    torch.manual_seed(0)
    layer = SignalCompression(signals=7, kept=3)
    x = torch.rand(2, 7, 11).sign() * torch.rand(2, 1, 1)
    assert layer(torch.full((1, 7, 4), -1.0)).min() >= -1.0 - 1e-6
    assert layer(x).shape == (2, 3, 11)
    assert layer(x).abs().max() <= 1.0 + 1e-6
    expected = torch.stack([x[:, :3].mean(1), x[:, 3:5].mean(1), x[:, 5:].mean(1)], 1)
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=0.1)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pooling_is_average_and_maximum(layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    pooled = PooledLinear(channels=3, dim=5).double()
    maps = torch.randn(2, 3, 4, 7, dtype=torch.float64).contiguous(memory_format=layout).requires_grad_()
    expected = pooled.linear(torch.cat((maps.mean((2, 3)), maps.amax((2, 3))), 1))
    torch.testing.assert_close(pooled(maps), expected, rtol=1e-13, atol=1e-13)
    weights = torch.randn(2, 5, dtype=torch.float64)
    gradients = [torch.autograd.grad((value * weights).sum(), maps)[0] for value in (pooled(maps), expected)]
    torch.testing.assert_close(*gradients, rtol=1e-13, atol=1e-13)


def test_the_average_of_a_large_map_is_finite_in_half_precision() -> None:
    pooled = PooledLinear(channels=1, dim=1).half()
    pooled.load_state_dict({"linear.weight": torch.tensor([[1.0, 0.0]]), "linear.bias": torch.zeros(1)})
    assert pooled(torch.full((1, 1, 256, 256), 3.0, dtype=torch.float16)).item() == 3.0


def test_channel_attention_is_the_gate_of_mean_plus_that_of_maximum() -> None:
    signals, _ = pair()
    layer = ATTENTIONS["channel"](signals=4, dim=6)
    gate = layer.gate(signals.mean(-1)) + layer.gate(signals.amax(-1))
    torch.testing.assert_close(layer(signals), signals * gate.sigmoid().unsqueeze(-1))


class Echo(nn.Module):
    """An encoder that gives back the first two steps, and its number, to see where signals end up."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, field: Gramian) -> Tensor:
        number = torch.full_like(field.cos[:, :1], self.number)
        return torch.cat((field.cos[:, :2], number), 1)


def test_groups_bring_signals_back_in_their_order() -> None:
    x = torch.rand(3, 6, 8)
    branches = [Branch(encoder=Echo(number), dim=3) for number in range(3)]
    branch = GroupedBranch(groups=[[4, 1], [0], [5, 2, 3]], branches=branches)
    for part in branch.branches:
        part.norm = nn.Identity()
    features = branch(gramian(x))
    torch.testing.assert_close(features[..., :2], x[..., :2])
    assert features[0, :, 2].tolist() == [1, 0, 2, 2, 0, 2]


def test_film_scales_and_shifts_by_the_statistics() -> None:
    features, statistics = torch.randn(2, 6), torch.randn(2, 3)
    layer = STAT_FUSIONS["film"](dim=6, stat_dim=3)
    scale, shift = functional.linear(statistics, layer.modulate.weight, layer.modulate.bias).split(6, -1)
    torch.testing.assert_close(layer(features, statistics), features * (1 + scale) + shift)
