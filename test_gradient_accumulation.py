"""Shows in seconds that gradient accumulation is what it claims to be: `python test_gradient_accumulation.py`.

Each check prints what it found, in plain words, and fails loudly; pytest collects the same checks as tests. The
thorough tests are in tests/accumulation/.

Letters: N micro-batches of an optimizer step.
"""

import copy
import io
import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.accumulation_plan import plan
from utils.gradient_accumulation import GradientAccumulator, Step

CLASS_WEIGHTS = torch.tensor([0.2, 1.0, 5.0], dtype=torch.float64)
EXPECTED_BANNER = """🔄 梯度累积配置: 每2轮累积一次梯度
   实际batch_size: 4
   有效batch_size: 8"""


def make_data(samples: int) -> tuple[Tensor, Tensor]:
    """Random samples (samples, 6) of three classes, always the same."""
    draw = torch.Generator().manual_seed(7)
    x = torch.randn(samples, 6, generator=draw, dtype=torch.float64)
    return x, torch.randint(0, 3, (samples,), generator=draw)


def make_model() -> nn.Module:
    """A small network, always with the same initial weights."""
    torch.manual_seed(7)
    return nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 3)).double()


def sample_losses(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Class-weighted cross-entropy: a value and a weight for each sample."""
    return F.cross_entropy(model(x), y, reduction="none"), CLASS_WEIGHTS[y]


def train(sizes: list[int], *, steps: int, epochs: int = 1, carry: bool = False) -> tuple[nn.Module, list[Step], int]:
    """Trains on micro-batches of these sizes; returns the model, the steps made and micro-batches left pending."""
    model = make_model()
    made: list[Step] = []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    accumulator = GradientAccumulator(model, optimizer, steps=steps, carry=carry, on_step=made.append)
    x, y = make_data(sum(sizes))
    for _ in range(epochs):
        with accumulator.epoch():
            for batch_x, batch_y in zip(x.split(sizes), y.split(sizes), strict=True):
                accumulator.backward(*sample_losses(model, batch_x, batch_y))
    return model, made, accumulator.count


def big_batch_gradients(model: nn.Module, x: Tensor, y: Tensor) -> list[Tensor]:
    """Gradients of one batch with everything in it, by PyTorch's own weighted mean."""
    loss = F.cross_entropy(model(x), y, weight=CLASS_WEIGHTS)
    return list(torch.autograd.grad(loss, list(model.parameters())))


def distance(a: list[Tensor], b: list[Tensor]) -> float:
    """Relative distance of two lists of tensors, taken as one long vector each."""
    difference = torch.cat([(p - q).flatten() for p, q in zip(a, b, strict=True)])
    return float(difference.norm() / torch.cat([q.flatten() for q in b]).norm())


def test_counts_optimizer_steps() -> None:
    for steps, expected in ((1, 8), (2, 4)):
        made = len(train([4] * 8, steps=steps)[1])
        print(f"   8 batches with N={steps}: {made} optimizer steps (expected {expected})")
        assert made == expected


def test_equals_the_big_batch() -> None:
    x, y = make_data(16)
    model = make_model()
    expected = big_batch_gradients(model, x, y)
    for sizes in ([4, 4, 4, 4], [4, 4, 4, 3, 1], [9, 1, 6]):
        copied = copy.deepcopy(model)
        optimizer = torch.optim.SGD(copied.parameters(), lr=1.0)
        accumulator = GradientAccumulator(copied, optimizer, steps=len(sizes))
        divided = copy.deepcopy(model)
        for part_x, part_y in zip(x.split(sizes), y.split(sizes), strict=True):
            accumulator.backward(*sample_losses(copied, part_x, part_y))
            (F.cross_entropy(divided(part_x), part_y, weight=CLASS_WEIGHTS) / len(sizes)).backward()
        stepped = zip(model.parameters(), copied.parameters(), strict=True)
        ours = distance([(before - after).detach() for before, after in stepped], expected)
        usual = distance([p.grad for p in divided.parameters() if p.grad is not None], expected)
        print(f"   micro-batches {sizes}: {ours:.0e} off the big batch (dividing each mean by N: {usual:.2f} off)")
        assert ours < 1e-12
        assert usual > 0.1, "the comparison has lost its teeth: dividing by N must be visibly wrong here"


def test_automatic_table() -> None:
    for batch_size, steps in ((1, 4), (2, 4), (3, 4), (4, 2), (6, 2), (7, 2), (8, 1), (16, 1)):
        chosen = plan(batch_size=batch_size, steps=1, automatic=True, explicit_steps=False)
        effective = chosen.effective_batch_size()
        print(f"   batch_size {batch_size:2}: N={chosen.steps_at(0)}, effective batch_size {effective}")
        assert chosen.steps_at(0) == steps
        assert effective == batch_size * steps
    explicit = plan(batch_size=4, steps=3, automatic=True, explicit_steps=True)
    print(f"   with an explicit number as well: {explicit.reason}")
    assert explicit.steps_at(0) == 3


def test_tail_of_an_epoch() -> None:
    sizes = [4] * 9 + [2]  # N=4: windows of 4, 4 and 2 micro-batches
    model, made, pending = train(sizes, steps=4)
    windows = [step.micro_steps for step in made]
    print(f"   {len(sizes)} batches with N=4: windows of {windows} micro-batches, {pending} left over")
    assert windows == [4, 4, 2]
    assert pending == 0
    expected = make_model()
    for part_x, part_y in zip(*(data.split([16, 16, 6]) for data in make_data(38)), strict=True):
        for parameter, gradient in zip(
            expected.parameters(), big_batch_gradients(expected, part_x, part_y), strict=True
        ):
            parameter.data -= 0.1 * gradient
    error = distance([p.data for p in model.parameters()], [p.data for p in expected.parameters()])
    print(f"   its weights are {error:.0e} off those of big batches of 16, 16 and 6 samples")
    assert error < 1e-12


def test_carries_over_the_epoch() -> None:
    for carry, expected in ((False, [2, 1, 2, 1]), (True, [2, 2, 2])):
        _, made, pending = train([4] * 3, steps=2, epochs=2, carry=carry)
        windows = [step.micro_steps for step in made]
        print(f"   2 epochs of 3 batches, N=2, carry={carry}: windows of {windows} micro-batches, {pending} pending")
        assert windows == expected
    *_, pending = train([4] * 3, steps=2, carry=True)
    print(f"   after the first epoch of them: accumulation count {pending}/2")
    assert pending == 1


def test_banner() -> None:
    banner = plan(batch_size=4, steps=2, automatic=False, explicit_steps=True).banner()
    print("   " + str(banner).replace("\n", "\n   "))
    assert banner == EXPECTED_BANNER
    assert plan(batch_size=8, steps=1, automatic=True, explicit_steps=False).banner() is None


CHECKS = {
    "optimizer steps are counted right": test_counts_optimizer_steps,
    "accumulated gradients are the big batch's": test_equals_the_big_batch,
    "the automatic rule": test_automatic_table,
    "a part-filled window at the end of an epoch": test_tail_of_an_epoch,
    "a window carried over the end of an epoch": test_carries_over_the_epoch,
    "the banner of the log": test_banner,
}


def main() -> int:
    """Runs all checks; returns the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show the banner still shows the rest
    failed = []
    for number, (title, check) in enumerate(CHECKS.items(), 1):
        print(f"{number}. {title}")
        try:
            check()
        except AssertionError as error:
            print(f"   FAILED {error}")
            failed.append(title)
    if failed:
        print(f"{len(failed)} of {len(CHECKS)} checks failed: {'; '.join(failed)}", file=sys.stderr)
        return 1
    print(f"all {len(CHECKS)} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
