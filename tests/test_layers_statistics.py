"""Statistics against numpy and scipy, and what they are on signals without any variation."""

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor

from layers.statistics.encoders import BINS, STAT_ENCODERS
from layers.statistics.features import STATISTICS, correlations


def windows(steps: int = 31) -> Tensor:
    """(4, 5, steps) float64 in [-1, 1]: related signals of different shapes and levels."""
    rng = np.random.default_rng(3)
    common = rng.normal(size=(4, 1, steps)).cumsum(-1) / 20
    x = (
        common * rng.normal(size=(4, 5, 1))
        + rng.exponential(0.1, size=(4, 5, steps))
        + rng.uniform(-0.3, 0.3, (4, 5, 1))
    )
    return torch.from_numpy(x.clip(-1, 1))


def expected_basic(x: np.ndarray) -> np.ndarray:
    return np.stack([x.mean(-1), np.log(x.std(-1)) / 2, x.max(-1), x.min(-1), np.median(x, -1)], -1)


def expected_correlations(x: np.ndarray) -> np.ndarray:
    """(B, C, C) with a zero diagonal."""
    return np.stack([np.corrcoef(window) - np.eye(x.shape[1]) for window in x])


@pytest.mark.parametrize("steps", [30, 31])
def test_basic_statistics_are_those_of_numpy(steps: int) -> None:
    x = windows(steps)
    got = STATISTICS["basic"](signals=5)(x)
    np.testing.assert_allclose(got.numpy(), expected_basic(x.numpy()), rtol=0, atol=1e-4)


def test_comprehensive_statistics_are_those_of_scipy() -> None:
    x = windows()
    numbers = x.numpy()
    got = STATISTICS["comprehensive"](signals=5)(x).numpy()
    np.testing.assert_allclose(got[..., :5], expected_basic(numbers), rtol=0, atol=1e-4)
    np.testing.assert_allclose(np.sinh(got[..., 5]), scipy.stats.skew(numbers, axis=-1), rtol=1e-2)
    np.testing.assert_allclose(np.sinh(got[..., 6]), scipy.stats.kurtosis(numbers, axis=-1), rtol=1e-2, atol=1e-3)
    variation = np.abs(numbers.std(-1) / numbers.mean(-1))
    np.testing.assert_allclose(got[..., 7], variation / (1 + variation), rtol=0, atol=1e-3)
    related = expected_correlations(numbers)
    np.testing.assert_allclose(got[..., 8], related.sum(-1) / 4, rtol=0, atol=1e-3)
    np.testing.assert_allclose(got[..., 9], related.max(-1), rtol=0, atol=1e-3)
    np.testing.assert_allclose(got[..., 10], related.min(-1), rtol=0, atol=1e-3)


def test_correlation_statistics_are_those_of_numpy() -> None:
    x = windows()
    got = STATISTICS["correlation_focused"](signals=5)(x).numpy()
    np.testing.assert_allclose(got[..., :2], expected_basic(x.numpy())[..., :2], rtol=0, atol=1e-4)
    np.testing.assert_allclose(got[..., 2:], expected_correlations(x.numpy()), rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("signals", [1, 2, 7])
def test_constant_signals_have_finite_statistics_and_gradients(name: str, signals: int) -> None:
    x = torch.linspace(-1, 1, signals).view(1, signals, 1).repeat(2, 1, 9).requires_grad_()
    statistics = STATISTICS[name](signals=signals)
    got = statistics(x)
    assert got.shape == (2, signals, statistics.count)
    got.square().sum().backward()
    assert torch.isfinite(got).all()
    assert torch.isfinite(x.grad).all()
    assert x.grad.abs().max() < 1e4


def test_a_constant_signal_is_related_to_none() -> None:
    x = windows()
    x[:, 2] = 0.4
    related = correlations(x)
    assert related[:, 2].abs().max() < 1e-9
    assert related[:, :, 2].abs().max() < 1e-9
    assert related.diagonal(dim1=1, dim2=2).abs().max() == 0.0


@pytest.mark.parametrize("name", STATISTICS)
def test_a_window_is_described_by_itself(name: str) -> None:
    x = windows()
    statistics = STATISTICS[name](signals=5)
    torch.testing.assert_close(statistics(x)[1:2], statistics(x[1:2]))


@pytest.mark.parametrize("steps", [4, 30, 31])
def test_slopes_are_those_of_numpy(steps: int) -> None:
    x = windows(steps)
    got = STATISTICS["slopes"](signals=5)(x).numpy()
    half, series = max(2, steps // 2), x.numpy().reshape(-1, steps)
    for place, part in ((5, series[:, :half]), (6, series[:, -half:])):
        rise = np.polyfit(np.arange(half), part.T, 1)[0] * (half - 1)
        np.testing.assert_allclose(got[..., place].ravel(), rise, atol=1e-9)
    rough = np.log(np.sqrt((np.diff(series) ** 2).mean(1) + 1e-6)) / 2
    np.testing.assert_allclose(got[..., 7].ravel(), rough, atol=1e-9)


@pytest.mark.parametrize("name", STAT_ENCODERS)
def test_an_encoder_of_statistics_trains_and_is_kept_whole(name: str) -> None:
    torch.manual_seed(0)
    encoder = STAT_ENCODERS[name](signals=3, inputs=4, dim=5)
    statistics = torch.rand(50, 3, 4) * 2 - 1
    encoder.look_at(statistics)
    features = encoder(statistics)
    assert features.shape == (50, 3, 5)
    (features * torch.randn(50, 3, 5)).sum().backward()
    assert all(p.grad.abs().max() > 0 for p in encoder.parameters())
    other = STAT_ENCODERS[name](signals=3, inputs=4, dim=5)
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(other(statistics), encoder(statistics))


def test_bins_hold_equal_shares_of_what_was_looked_at() -> None:
    encoder = STAT_ENCODERS["piecewise"](signals=1, inputs=1, dim=2)
    skewed = torch.rand(4000, 1, 1, generator=torch.Generator().manual_seed(0)).pow(6) * 2 - 1
    encoder.look_at(skewed)
    edges = encoder.edges[0, 0]
    counts = torch.histogram(skewed.flatten(), edges).hist
    assert edges[0] == skewed.min()
    assert edges[-1] == skewed.max()
    assert (counts - 4000 / BINS).abs().max() < 25


def test_a_statistic_that_stands_still_is_no_step_for_rounding() -> None:
    encoder = STAT_ENCODERS["piecewise"](signals=1, inputs=1, dim=4)
    encoder.look_at(torch.full((100, 1, 1), 0.3))
    near = torch.tensor([0.3, 0.3 + 1e-6]).view(2, 1, 1)
    first, second = encoder(near)
    assert (first - second).abs().max() < 1e-3
