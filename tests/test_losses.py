"""Losses against PyTorch, timm and the papers' formulas; one denominator for a window; presets and class weights.

Letters: B batch, K classes.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight

from utils.errors import UserError
from utils.loss_presets import PRESETS, build_loss, class_weights_from_counts, parse_class_weights
from utils.losses import IGNORE, LOSSES, AdaptiveSmoothing, Focal, HybridFocal, LabelSmoothing, PerSample

B, K = 24, 5
NOTHING = {
    "preset": None,
    "loss": None,
    "label_smoothing": None,
    "focal_alpha": None,
    "focal_gamma": None,
    "confidence_penalty": None,
    "class_weights": None,
}
WEIGHTS = torch.tensor([0.2, 1.0, 3.0, 0.7, 5.0], dtype=torch.float64)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """(B, K) float64 logits that are often sure and often wrong, and (B,) unbalanced targets."""
    generator = torch.Generator().manual_seed(7)
    logits = 4 * torch.randn(B, K, generator=generator, dtype=torch.float64)
    return logits, torch.randint(K, (B,), generator=generator).clamp_max(3)


def shipped(parts: list[PerSample]) -> torch.Tensor:
    """The loss of a window that came in parts."""
    return sum((p.weights * p.values).sum() for p in parts) / sum(p.weights.sum() for p in parts)


# Every loss and every preset, with its defaults.
SHIPPED = {
    **{f"loss {name}": {"loss": name} for name in LOSSES},
    **{f"preset {name}": {"preset": name} for name in PRESETS},
}


@pytest.fixture(params=SHIPPED)
def settings(request: pytest.FixtureRequest) -> dict:
    return {**NOTHING, **SHIPPED[request.param]}


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
@pytest.mark.parametrize("ignored", [0, 7])
@pytest.mark.parametrize("sizes", [[24], [4] * 6, [4, 4, 4, 3, 1, 8], [1] * 24, [23, 1]], ids=str)
def test_any_partition_gives_the_big_batch_gradient(settings, weights, ignored, sizes, batch):
    x, target = torch.randn(B, 6, dtype=torch.float64), batch[1].clone()
    target[:ignored] = IGNORE
    layer = torch.nn.Linear(6, K, dtype=torch.float64)
    loss = build_loss(**{**settings, "class_weights": weights})
    shipped([loss(layer(x), target)]).backward()
    big = layer.weight.grad.clone()
    layer.zero_grad()
    parts = zip(x.split(sizes), target.split(sizes), strict=True)
    shipped([loss(layer(a), b) for a, b in parts]).backward()
    assert (layer.weight.grad - big).norm() <= 1e-12 * big.norm()


def test_the_mean_of_means_is_another_gradient(batch):
    """The negative control: dividing each micro-batch by itself, as a plain loop does, is far off."""
    logits, target = batch
    logits.requires_grad_()
    sizes = [4, 4, 4, 3, 1, 8]
    big = torch.autograd.grad(F.cross_entropy(logits, target, WEIGHTS), logits)[0]
    means = [F.cross_entropy(a, b, WEIGHTS) for a, b in zip(logits.split(sizes), target.split(sizes), strict=True)]
    plain = torch.autograd.grad(sum(means) / len(sizes), logits)[0]
    assert (plain - big).norm() > 0.1 * big.norm()


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
@pytest.mark.parametrize(
    "same", [{}, {"label_smoothing": 0.0}, {"focal_gamma": 0.0}, {"confidence_penalty": 0.0}], ids=str
)
def test_cross_entropy_and_what_falls_back_to_it_equal_pytorch(same, weights, batch):
    logits, target = batch
    target[:3] = IGNORE
    extra = {"label_smoothing": 0.0} if "confidence_penalty" in same else {}
    loss = build_loss(**{**NOTHING, **same, **extra, "class_weights": weights})
    reference = F.cross_entropy(logits, target, weights, ignore_index=IGNORE)
    torch.testing.assert_close(shipped([loss(logits, target)]), reference, rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", ["label_smoothing", "timm_smoothing"])
def test_smoothing_equals_pytorch_and_timm(name, batch):
    from utils.timm_compat import import_timm

    logits, target = batch
    loss = LOSSES[name](label_smoothing=0.12)
    reference = import_timm().loss.LabelSmoothingCrossEntropy(0.12)
    ours = loss(logits, target)
    torch.testing.assert_close(shipped([ours]), reference(logits, target), rtol=1e-13, atol=0)
    one_by_one = torch.stack([reference(a[None], b[None]) for a, b in zip(logits, target, strict=True)])
    torch.testing.assert_close(ours.values, one_by_one, rtol=1e-13, atol=0)
    torch.testing.assert_close(shipped([ours]), F.cross_entropy(logits, target, label_smoothing=0.12))


def test_focal_is_the_formula_of_the_paper(batch):
    logits, target = batch
    p = logits.softmax(1)[range(B), target]
    expected = -0.25 * (1 - p) ** 3 * p.log()
    torch.testing.assert_close(Focal(focal_alpha=0.25, focal_gamma=3.0)(logits, target).values, expected)


def test_focal_stays_finite_where_the_model_is_sure():
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0], [0.0, 0.0]], requires_grad=True)
    for gamma in (0.0, 0.5, 1.0, 2.5):
        value = shipped([Focal(focal_gamma=gamma)(logits, torch.zeros(3, dtype=torch.long))])
        gradient = torch.autograd.grad(value, logits)[0]
        assert value.isfinite()
        assert gradient.isfinite().all()


def test_the_confidence_penalty_is_entropy(batch):
    logits, target = batch
    with_penalty = LOSSES["confidence_penalty"](label_smoothing=0.1, confidence_penalty=0.3)(logits, target).values
    without = LabelSmoothing(label_smoothing=0.1)(logits, target).values
    entropy = torch.distributions.Categorical(logits=logits).entropy()
    torch.testing.assert_close(without - with_penalty, 0.3 * entropy)


def test_combined_and_hybrid_meet_their_parts_at_the_limits(batch):
    hybrid = HybridFocal(focal_alpha=1.0, focal_gamma=0.0, label_smoothing=0.1)(*batch).values
    smoothed = LabelSmoothing(label_smoothing=0.1)(*batch).values
    focused = Focal()(*batch).values
    torch.testing.assert_close(hybrid, smoothed)
    torch.testing.assert_close(
        HybridFocal(focal_alpha=1.0, focal_gamma=2.0, label_smoothing=0.0)(*batch).values, focused
    )
    combined = LOSSES["combined"](confidence_penalty=0.0)(*batch).values
    torch.testing.assert_close(combined, (smoothed + focused) / 2)


def test_a_class_weight_is_a_number_of_copies(settings, batch):
    logits, target = batch
    copies = torch.tensor([1, 2, 3, 0, 1])
    weighted = build_loss(**{**settings, "class_weights": copies.double()})(logits, target)
    rows = torch.arange(B).repeat_interleave(copies[target])
    repeated = build_loss(**settings)(logits[rows], target[rows])
    torch.testing.assert_close(shipped([weighted]), shipped([repeated]))


def test_one_hot_rows_are_class_numbers(settings, batch):
    logits, target = batch
    loss = build_loss(**{**settings, "class_weights": WEIGHTS})
    hard, soft = loss(logits, target), loss(logits, F.one_hot(target, K).double())
    assert torch.equal(hard.values, soft.values)
    assert torch.equal(hard.weights, soft.weights)


def test_soft_targets_of_cross_entropy_equal_pytorch_and_weigh_as_expected(batch):
    q = torch.softmax(torch.randn(B, K, dtype=torch.float64), 1)
    ours = LOSSES["cross_entropy"]()(batch[0], q)
    torch.testing.assert_close(shipped([ours]), F.cross_entropy(batch[0], q))
    torch.testing.assert_close(LOSSES["focal"](class_weights=WEIGHTS)(batch[0], q).weights, q @ WEIGHTS)


def test_gradients_are_those_of_the_values(settings, batch):
    loss = build_loss(**settings)
    logits = batch[0][:6].requires_grad_()
    assert torch.autograd.gradcheck(lambda z: loss(z, batch[1][:6]).values, logits)


def test_half_precision_is_computed_in_float32(settings, batch):
    logits = batch[0].bfloat16()
    weighted = {**settings, "class_weights": WEIGHTS.float() + 1e-4}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = build_loss(**weighted)(logits, batch[1])
    exact = build_loss(**weighted)(logits.float(), batch[1])
    assert half.values.dtype == torch.float32
    assert torch.equal(half.values, exact.values)
    assert torch.equal(half.weights, exact.weights)


def test_an_ignored_batch_has_no_weight_and_no_gradient(settings):
    logits = torch.randn(3, K, requires_grad=True)
    values, weights = build_loss(**settings)(logits, torch.full((3,), IGNORE))
    assert torch.equal(weights, torch.zeros(3))
    assert torch.equal(torch.autograd.grad(values.sum(), logits)[0], torch.zeros(3, K))


@pytest.mark.parametrize(("logits", "target"), [((4, 5), (3,)), ((4, 5), (4, 4)), ((4,), (4,)), ((4, 5, 2), (4,))])
def test_shapes_that_do_not_fit_are_refused(logits, target):
    with pytest.raises(ValueError, match=r"are not \(B, K\)"):
        LOSSES["cross_entropy"]()(torch.zeros(logits), torch.zeros(target, dtype=torch.long))


def test_adaptive_smoothing_falls_over_thirty_epochs_then_stays(batch):
    loss = build_loss(**{**NOTHING, "preset": "hvac_adaptive"})
    assert isinstance(loss, AdaptiveSmoothing)
    shares = []
    for epoch in [0, 1, 29, 30, 1000]:
        loss.set_epoch(epoch)
        shares.append(loss.label_smoothing)
        expected = F.cross_entropy(*batch, label_smoothing=shares[-1])
        torch.testing.assert_close(shipped([loss(*batch)]), expected)
    assert shares == pytest.approx([0.2, 0.2 - 0.12 / 29, 0.08, 0.08, 0.08])
    loss.set_epoch(0)
    assert loss.label_smoothing == 0.2
    with pytest.raises(ValueError, match="count from 0"):
        loss.set_epoch(-1)


def test_adaptive_smoothing_evaluates_every_epoch_alike(batch):
    loss = build_loss(**{**NOTHING, "preset": "hvac_adaptive"})
    evaluated = []
    for epoch in (0, 10, 40):
        loss.set_epoch(epoch)
        evaluated.append(shipped([loss.eval()(*batch)]))
        loss.train()
    assert evaluated[0] == evaluated[1] == evaluated[2]
    torch.testing.assert_close(evaluated[0], F.cross_entropy(*batch, label_smoothing=0.08))


def test_every_loss_takes_an_epoch_and_only_adaptive_smoothing_heeds_it(settings):
    loss, logits, target = build_loss(**settings), torch.randn(6, 4), torch.arange(6) % 4
    loss.set_epoch(0)
    before = loss(logits, target).values
    loss.set_epoch(9)
    assert torch.equal(before, loss(logits, target).values) is not isinstance(loss, AdaptiveSmoothing)


def test_presets_are_those_of_the_documents():
    built = {name: build_loss(**{**NOTHING, "preset": name}) for name in PRESETS}
    assert built["hvac_similar"].label_smoothing == 0.15
    assert (built["imbalanced_focus"].focal_alpha, built["imbalanced_focus"].focal_gamma) == (1, 2)
    assert (built["hard_samples"].focal_alpha, built["hard_samples"].focal_gamma) == (0.25, 3)
    penalty = built["overconfidence_prevention"]
    assert (penalty.label_smoothing, penalty.confidence_penalty) == (0.1, 0.1)
    assert built["hvac_similar_optimized"].label_smoothing == 0.1
    assert built["production_optimized"].label_smoothing == 0.12
    hybrid = built["hvac_hard_samples"]
    assert (hybrid.focal_alpha, hybrid.focal_gamma, hybrid.label_smoothing) == (0.8, 2.5, 0.1)
    assert len(built) == 8


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, "cross_entropy"),
        ({"label_smoothing": 0.1}, "label_smoothing"),
        ({"focal_gamma": 1.0}, "focal"),
        ({"focal_alpha": 1.0, "label_smoothing": 0.1}, "hybrid_focal"),
        ({"confidence_penalty": 0.2}, "confidence_penalty"),
        ({"confidence_penalty": 0.2, "focal_gamma": 1.0}, "combined"),
        ({"preset": "hard_samples"}, "focal"),
        ({"preset": "hard_samples", "loss": "hybrid_focal"}, "hybrid_focal"),
        ({"loss": "cross_entropy", "label_smoothing": 0.0}, "cross_entropy"),
    ],
    ids=str,
)
def test_flags_choose_the_loss(given, kind):
    loss = build_loss(**{**NOTHING, **given})
    assert type(loss) is LOSSES[kind]
    for name, value in given.items():
        assert name in ("preset", "loss") or getattr(loss, name, value) == value


def test_an_explicit_flag_wins_over_the_preset():
    loss = build_loss(**{**NOTHING, "preset": "hvac_similar_optimized", "label_smoothing": 0.3})
    assert loss.label_smoothing == 0.3
    mixed = build_loss(**{**NOTHING, "preset": "hard_samples", "loss": "hybrid_focal"})
    assert (mixed.focal_gamma, mixed.focal_alpha, mixed.label_smoothing) == (3.0, 0.25, 0.1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"preset": "hvac"}, "unknown loss preset 'hvac'.*hvac_similar"),
        ({"loss": "hinge"}, "unknown loss 'hinge'.*focal"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0"),
        ({"label_smoothing": float("nan")}, "label_smoothing is nan"),
        ({"label_smoothing": -0.1}, "label_smoothing is -0.1"),
        ({"focal_gamma": -1.0}, "focal_gamma is -1.0"),
        ({"focal_alpha": 0.0}, "focal_alpha is 0.0"),
        ({"confidence_penalty": float("inf")}, "confidence_penalty is inf"),
        ({"loss": "cross_entropy", "focal_gamma": 2.0}, "--focal_gamma means nothing to the loss cross_entropy"),
        ({"preset": "imbalanced_focus", "label_smoothing": 0.1}, "of --loss_preset imbalanced_focus.*hybrid_focal"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_used_are_one_line(given, words):
    with pytest.raises(UserError, match=words) as caught:
        build_loss(**{**NOTHING, **given})
    assert "\n" not in str(caught.value)


def test_balanced_weights_equal_scikit_learn():
    target = np.repeat([0, 1, 3], [10, 3, 87])
    ours = class_weights_from_counts([10, 3, 0, 87])
    reference = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=target)
    np.testing.assert_allclose(ours[[0, 1, 3]], reference, rtol=1e-6)
    assert ours[2] == 1
    with pytest.raises(UserError, match="no class has a training window"):
        class_weights_from_counts([0, 0])


def test_class_weights_of_the_command_line():
    assert parse_class_weights(" 1, 2.5,0", classes=("a", "b", "c")).tolist() == [1, 2.5, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2", "has 2 values, but there are 3 classes.*a, b, c"),
        ("", "has 1 values"),
        ("1,2,x", "'x' for the class c"),
        ("1,-2,3", "'-2' for the class b"),
        ("nan,1,1", "'nan' for the class a"),
        ("1,inf,1", "'inf' for the class b"),
        ("1,,1", "'' for the class b"),
        ("0,0,0", "leaves every class out"),
    ],
)
def test_class_weights_that_do_not_fit_are_one_line(text, words):
    with pytest.raises(UserError, match=words):
        parse_class_weights(text, classes=("a", "b", "c"))
