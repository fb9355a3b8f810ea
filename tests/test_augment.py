"""Augmentations do what they say, and a window's noise does not know in which batch it comes.

Letters: B batch, C signals, T time steps, K classes, n training windows.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from utils.augment import AUGMENTATIONS, Augment, Mixup, _bits, sample_key
from utils.errors import UserError
from utils.losses import LOSSES

B, C, T, K = 37, 5, 33, 4
STRENGTH = {name: 7 if entry.in_steps else 0.3 for name, entry in AUGMENTATIONS.items()}
SPECS = [f"{name}:{STRENGTH[name]}" for name in AUGMENTATIONS]
SPECS.append(",".join(SPECS))
SPLITS = [[37], [1] * 37, [4] * 9 + [1], [13, 1, 7, 16], [36, 1]]


@pytest.fixture
def windows() -> torch.Tensor:
    """(B, C, T) in [-1, 1]."""
    return torch.rand(B, C, T, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8


@pytest.fixture
def index() -> torch.Tensor:
    """(B,) numbers of windows, in the order of an epoch."""
    return torch.randperm(10**6, generator=torch.Generator().manual_seed(1))[:B]


def mixup(windows: torch.Tensor, alpha: float = 0.4, **changes) -> Mixup:
    labels = torch.arange(len(windows)) % K
    settings = {"alpha": alpha, "classes": K, "samples": len(windows), "seed": 3, **changes}
    return Mixup(windows=lambda rows: (windows[rows], labels[rows], rows), **settings)


@pytest.mark.parametrize("split", SPLITS, ids=str)
@pytest.mark.parametrize("spec", SPECS)
def test_noise_is_the_same_to_the_bit_in_any_batch(spec, split, windows, index):
    augment = Augment(spec=spec, seed=5)
    whole = augment(windows, index, epoch=2)
    parts = [augment(x, i, epoch=2) for x, i in zip(windows.split(split), index.split(split), strict=True)]
    assert torch.equal(torch.cat(parts), whole)
    order = torch.randperm(B)
    assert torch.equal(augment(windows[order], index[order], epoch=2), whole[order])
    assert not torch.equal(whole, windows)


@pytest.mark.parametrize("spec", SPECS)
def test_noise_changes_with_seed_epoch_and_window(spec, windows, index):
    here = Augment(spec=spec, seed=5)(windows, index, epoch=2)
    assert torch.equal(here, Augment(spec=spec, seed=5)(windows, index, epoch=2))
    assert not torch.equal(here, Augment(spec=spec, seed=6)(windows, index, epoch=2))
    assert not torch.equal(here, Augment(spec=spec, seed=5)(windows, index, epoch=3))
    assert not torch.equal(here, Augment(spec=spec, seed=5)(windows, index + 1, epoch=2))


@pytest.mark.parametrize("spec", SPECS)
def test_augmentations_keep_shape_range_and_their_input(spec, windows, index):
    edge = windows.sign()
    copy = edge.clone()
    out = Augment(spec=spec, seed=0)(edge, index, epoch=0)
    assert out.shape == edge.shape
    assert out.dtype == torch.float32
    assert out.abs().max() <= 1
    assert torch.equal(edge, copy)


def test_nothing_is_on_by_default(windows, index):
    for spec in ("", " ", ","):
        augment = Augment(spec=spec, seed=0)
        assert not augment
        assert augment(windows, index, epoch=0) is windows
    assert Augment(spec="jitter:0.1", seed=0)


def test_jitter_is_normal_and_independent(index):
    zero = torch.zeros(B, 60, 90)
    noise = (Augment(spec="jitter:0.02", seed=9)(zero, index, epoch=0) / 0.02).double().numpy()
    assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
    assert abs(noise.std() - 1) < 0.01
    rows = np.corrcoef(noise.reshape(B, -1))
    assert np.abs(rows - np.eye(B)).max() < 0.07  # 5400 values a row: 5 deviations
    assert abs(np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]) < 0.012
    again = Augment(spec="jitter:0.02", seed=9)(zero, index, epoch=1).numpy()
    assert abs(np.corrcoef(again.ravel(), noise.ravel())[0, 1]) < 0.012


def test_scale_gives_each_signal_one_factor(windows, index):
    factor = Augment(spec="scale:0.05", seed=0)(windows, index, epoch=0) / windows  # (B, C, T)
    assert (factor.std(2) < 1e-5).all()
    assert stats.kstest((factor[:, :, 0].flatten().numpy() - 1) / 0.05, "norm").pvalue > 0.01


def test_time_shift_moves_all_signals_alike(index):
    ramp = (torch.arange(T) / T).expand(B, C, T)
    moved = (Augment(spec="time_shift:7", seed=0)(ramp, index, epoch=0) * T).round().long()
    shifts = moved[:, 0, T // 2] - T // 2
    assert set(shifts.tolist()) <= set(range(-7, 8))
    assert len(set(shifts.tolist())) > 10
    for window, shift in zip(moved, shifts.tolist(), strict=True):
        expected = (torch.arange(T) + shift).clamp(0, T - 1)
        assert torch.equal(window, expected.expand(C, T))
    with pytest.raises(UserError, match=f"time_shift:33 does not fit windows of {T} steps"):
        Augment(spec="time_shift:33", seed=0)(ramp, index, epoch=0)


def test_drop_sensor_takes_whole_signals_but_never_all():
    many = torch.arange(4000)
    out = Augment(spec="drop_sensor:0.2", seed=0)(torch.ones(4000, C, 3), many, epoch=0)
    assert set(out.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(out[:, :, 0], out[:, :, 2])
    assert (out[:, :, 0] == 0).float().mean().item() == pytest.approx(0.2, abs=0.015)
    hardly = Augment(spec="drop_sensor:0.99", seed=0)(torch.ones(4000, 2, 3), many, epoch=0)
    assert (hardly[:, :, 0].sum(1) > 0).all()


def test_drop_sensor_takes_with_a_sensor_everything_that_is_made_of_it():
    made_of = torch.tensor([[True, True, False, False], [False, True, True, False]])  # the last signal needs neither
    many = torch.arange(4000)
    out = Augment(spec="drop_sensor:0.2", seed=0, made_of=made_of)(torch.ones(4000, 4, 3), many, epoch=0)[:, :, 0]
    first, both, second, none = (out == 0).T
    assert torch.equal(both, first | second)
    assert not (first & second).any()  # never every sensor
    assert not none.any()
    assert first.float().mean().item() == pytest.approx(0.2, abs=0.05)


def test_bits_are_those_of_splitmix64():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert _bits(torch.tensor([1234567]), (2, 2)).flatten().tolist() == [bits % 2**63 for bits in published]


def test_keys_do_not_collide():
    keys = [sample_key(s, e, torch.arange(5000), p) for s in (0, 1) for e in (0, 1) for p in ("jitter", "mixup")]
    assert len(torch.cat(keys).unique()) == 40000


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("noise:0.1", "unknown augmentation 'noise'; choose one of: drop_sensor, jitter, scale, time_shift"),
        ("jitter", "'jitter' has no usable strength; write jitter:S"),
        ("jitter:", "no usable strength"),
        ("jitter:x", "no usable strength"),
        ("jitter:0", "no usable strength"),
        ("jitter:-0.1", "no usable strength"),
        ("jitter:nan", "no usable strength"),
        ("jitter:1e999", "no usable strength"),
        ("drop_sensor:1", "above 0 and below 1"),
        ("time_shift:0.5", "a whole number of steps, at least 1"),
        ("time_shift:inf", "a whole number of steps"),
        ("jitter:0.1:0.2", "no usable strength"),
        ("jitter:0.1, jitter:0.2", "has jitter twice"),
        ("jitter=0.1", "unknown augmentation 'jitter=0.1'"),
    ],
)
def test_a_spec_that_cannot_be_used_is_one_line(spec, words):
    with pytest.raises(UserError, match=words) as caught:
        Augment(spec=spec, seed=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("split", SPLITS, ids=str)
def test_mixup_is_the_same_to_the_bit_in_any_batch(split, windows, index):
    mix, y = mixup(windows), torch.arange(B) % K
    x, target = mix(windows, y, index, epoch=1)
    pieces = zip(windows.split(split), y.split(split), index.split(split), strict=True)
    parts = [mix(a, b, i, epoch=1) for a, b, i in pieces]
    assert torch.equal(torch.cat([p[0] for p in parts]), x)
    assert torch.equal(torch.cat([p[1] for p in parts]), target)
    assert not torch.equal(mix(windows, y, index, epoch=2)[0], x)


def test_mixup_mixes_windows_and_targets_alike():
    """Every window is filled with its own label, so the mixture's value tells what its target must be."""
    labels = torch.arange(200) % 2
    filled = labels[:, None, None].expand(200, 2, 3).float()
    mix = Mixup(alpha=1.0, classes=2, samples=200, windows=lambda rows: (filled[rows], labels[rows]), seed=0)
    x, target = mix(filled, labels, torch.arange(200), epoch=0)
    torch.testing.assert_close(target.sum(1), torch.ones(200))
    torch.testing.assert_close(x[:, 0, 0], target[:, 1])
    mixed = target[(target.max(1).values < 1)]
    assert 60 < len(mixed) < 140


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_of_mixup_are_beta_and_partners_are_uniform(alpha):
    asked = []

    def fetch(rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        asked.extend(rows)
        return torch.zeros(len(rows), 1, 1), torch.ones(len(rows), dtype=torch.long)

    mix = Mixup(alpha=alpha, classes=2, samples=10, windows=fetch, seed=0)
    number = 5000
    x, _ = mix(torch.ones(number, 1, 1), torch.zeros(number, dtype=torch.long), torch.arange(number), epoch=0)
    assert stats.kstest(x.flatten().numpy(), stats.beta(alpha, alpha).cdf).pvalue > 0.01
    assert stats.chisquare(np.bincount(asked, minlength=10)).pvalue > 0.01


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_takes_mixed_targets(name, windows, index):
    _, target = mixup(windows)(windows, torch.arange(B) % K, index, epoch=0)
    logits = torch.randn(B, K, requires_grad=True)
    values, weights = LOSSES[name](class_weights=torch.tensor([1.0, 2.0, 3.0, 4.0]))(logits, target)
    (values * weights).sum().backward()
    assert logits.grad.isfinite().all()
    torch.testing.assert_close(weights, target @ torch.tensor([1.0, 2.0, 3.0, 4.0]))


@pytest.mark.parametrize("alpha", [0.0, -1.0, math.nan, math.inf])
def test_an_alpha_out_of_range_is_one_line(alpha, windows):
    with pytest.raises(UserError, match="--mixup"):
        mixup(windows, alpha)
