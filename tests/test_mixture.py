"""The density of readings: against scikit-learn, and for what it is there to see."""

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from exp.evaluation.density import FLOOR, STEPS, GaussianMixtures, sample_time_steps

SIGNALS, LENGTH = 4, 40


def related(number: int, slope: float, seed: int) -> torch.Tensor:
    """(n, C, L) windows in which the second signal follows the first."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-0.9, 0.9, (number, SIGNALS, LENGTH))
    x[:, 1] = slope * x[:, 0] + rng.normal(0, 0.02, (number, LENGTH))
    return torch.from_numpy(x.astype(np.float32))


@pytest.fixture(scope="module")
def fitted() -> GaussianMixtures:
    """Two classes that differ by a slope, and a third without windows."""
    x = torch.cat([related(60, 0.5, 0), related(60, -0.5, 1)])
    return GaussianMixtures.fit(sample_time_steps(x).numpy(), np.repeat([0, 1], 60), 3)


def test_the_sampled_steps_are_spread_over_the_window():
    x = torch.arange(96.0).expand(1, 2, 96)
    assert sample_time_steps(x)[0, 0].tolist() == [4 + 8 * step for step in range(STEPS)]
    assert sample_time_steps(x[:, :, :7]).shape == (1, 2, 7)


def test_densities_are_those_of_scikit_learn(fitted):
    x = related(7, 0.3, 2)
    points = sample_time_steps(related(60, 0.5, 0)).numpy().swapaxes(1, 2).reshape(-1, SIGNALS).astype(np.float64)
    points = np.random.default_rng(0).permutation(points)
    reference = GaussianMixture(16, reg_covar=FLOOR, max_iter=30, tol=1e-2, random_state=0).fit(points)
    steps = sample_time_steps(x).numpy().swapaxes(1, 2).reshape(-1, SIGNALS)
    expected = reference.score_samples(steps).reshape(7, STEPS).mean(1)
    found = fitted.log_densities(x)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-4)
    assert torch.isinf(found[:, 2]).all()


def test_a_broken_relation_is_novel_though_no_reading_is(fitted):
    known = torch.cat([related(20, 0.5, 3), related(20, -0.5, 4)])
    novel = related(20, 0.0, 5)
    assert novel[:, 1].abs().max() < known[:, 1].abs().max()
    assert fitted.score(novel).min() > fitted.score(known).max()
    assert (fitted.log_densities(known).argmax(1) == torch.tensor([0, 1]).repeat_interleave(20)).all()


def test_a_window_is_evaluated_the_same_in_any_company(fitted):
    x = related(33, 0.2, 6)
    torch.testing.assert_close(fitted.score(x[5:6]), fitted.score(x)[5:6], rtol=1e-12, atol=0)


def test_few_windows_and_signals_that_never_move_are_borne():
    x = torch.zeros(3, SIGNALS, 5)
    x[:, 0] = torch.rand(3, 5)
    found = GaussianMixtures.fit(sample_time_steps(x).numpy(), np.array([0, 0, 1]), 2)
    assert found.means.shape[:2] == (2, 1)
    assert torch.isfinite(found.score(x)).all()


def test_the_most_novel_sensor_is_found_by_its_slope(fitted):
    x = related(1, 0.5, 7)
    x[:, 1] += 0.3
    x.requires_grad_()
    (slope,) = torch.autograd.grad(fitted.score(x).sum(), x)
    assert set(slope.abs().sum((0, 2)).argsort(descending=True)[:2].tolist()) == {0, 1}
