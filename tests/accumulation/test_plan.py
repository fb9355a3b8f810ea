"""How many micro-batches of which size: the table of sizes, exact targets, schedules, learning rates, the banner."""

import itertools
import math

import pytest

from utils.accumulation_plan import AccumulationPlan, micro_batch_sizes, plan
from utils.errors import UserError

BASE = {"batch_size": 4, "steps": 1, "automatic": False, "explicit_steps": False}


def make(**changes) -> AccumulationPlan:
    return plan(**(BASE | changes))


def test_automatic_rule_is_document_1s_table() -> None:
    chosen = [make(batch_size=size, automatic=True).steps_at(0) for size in range(1, 20)]
    assert chosen == [4] * 3 + [2] * 4 + [1] * 12


def test_default_is_off_and_says_so() -> None:
    off = make(batch_size=8)
    assert (off.steps_at(0), off.effective_batch_size(), off.banner()) == (1, 8, None)
    assert off.reason == "1 micro-batch of 8 a step"


@pytest.mark.parametrize("steps", [1, 3])
def test_explicit_number_wins_and_the_log_says_so(steps) -> None:
    chosen = make(automatic=True, steps=steps, explicit_steps=True)
    assert chosen.steps_at(0) == steps
    assert "--gradient_accumulation_steps wins over the automatic rule, which would take 2" in chosen.reason
    assert "\n" not in chosen.reason
    assert "wins" not in make(steps=steps, explicit_steps=True).reason
    assert "by the automatic rule" in make(automatic=True).reason


def test_banner_is_document_1s() -> None:
    assert make(steps=2, explicit_steps=True).banner() == (
        "🔄 梯度累积配置: 每2轮累积一次梯度\n   实际batch_size: 4\n   有效batch_size: 8"
    )
    scheduled = make(schedule="0:4,10:1")
    assert "每4轮" in scheduled.banner(9)
    assert scheduled.banner(10) is None


@pytest.mark.parametrize(
    ("target", "batch_size"), [(m, b) for m in (1, 2, 3, 7, 8, 10, 24, 97) for b in (1, 2, 3, 8, 100)]
)
def test_target_is_reached_exactly(target, batch_size) -> None:
    chosen = make(batch_size=batch_size, target_batch_size=target, automatic=True)
    assert sum(chosen.sizes) == chosen.effective_batch_size() == target
    assert max(chosen.sizes) <= batch_size
    assert max(chosen.sizes) - min(chosen.sizes) <= 1
    assert len(chosen.sizes) == math.ceil(target / batch_size)


def test_target_shared_among_an_explicit_number() -> None:
    assert make(target_batch_size=10, steps=5, explicit_steps=True).sizes == (2, 2, 2, 2, 2)
    assert make(target_batch_size=10, steps=3, explicit_steps=True).sizes == (4, 3, 3)
    assert make(target_batch_size=10).banner().endswith("实际batch_size: 4\n   有效batch_size: 10")


def test_schedule() -> None:
    chosen = make(schedule="0:4,10:2")
    assert [chosen.steps_at(epoch) for epoch in (0, 9, 10, 99)] == [4, 4, 2, 2]
    assert [chosen.effective_batch_size(epoch) for epoch in (0, 10)] == [16, 8]
    assert "4 from epoch 0, 2 from epoch 10" in chosen.reason
    later = make(schedule="5:1", automatic=True)
    assert [later.steps_at(epoch) for epoch in (0, 4, 5)] == [2, 2, 1]
    assert "before that 2 micro-batches of 4 a step, by the automatic rule" in later.reason


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 0}, "--batch_size 0"),
        ({"steps": 0, "explicit_steps": True}, "--gradient_accumulation_steps 0"),
        ({"steps": -2, "explicit_steps": True}, "--gradient_accumulation_steps -2"),
        ({"target_batch_size": 0}, "--target_batch_size 0"),
        ({"target_batch_size": 10, "steps": 2, "explicit_steps": True}, "cannot be shared among 2 micro-batches"),
        ({"target_batch_size": 2, "steps": 3, "explicit_steps": True}, "cannot be shared among 3 micro-batches"),
        ({"target_batch_size": 8, "schedule": "0:4"}, "exclude each other"),
        ({"schedule": "0:4", "steps": 2, "explicit_steps": True}, "leaves no epoch for"),
        *[
            ({"schedule": text}, "--accumulation_schedule")
            for text in (
                "4",
                "0:4,",
                "0:x",
                "0:4:2",
                ":",
                "0:4;10:2",
                "0:0",
                "0:4,0:2",
                "10:2,0:4",
                "-1:2",
                "0:1.5",
                " ",
            )
        ],
    ],
)
def test_nonsense_is_refused_in_one_line(changes, message) -> None:
    with pytest.raises(UserError, match=message) as caught:
        make(**changes)
    assert "\n" not in str(caught.value)


def test_learning_rate_rules() -> None:
    chosen = make(schedule="0:4,10:2")
    assert chosen.learning_rate_factor("none") == 1
    assert [chosen.learning_rate_factor("linear", epoch=epoch) for epoch in (0, 10)] == [4, 2]
    assert chosen.learning_rate_factor("sqrt") == 2
    assert chosen.learning_rate_factor("linear", world=2) == 8
    assert make(target_batch_size=10).learning_rate_factor("linear") == 2.5
    with pytest.raises(UserError, match="unknown rule of --scale_lr 'cubic'; choose one of: linear, none, sqrt"):
        chosen.learning_rate_factor("cubic")


def test_micro_batch_sizes_cut_an_epoch() -> None:
    assert list(micro_batch_sizes(24, (4, 3, 3))) == [4, 3, 3, 4, 3, 3, 4]
    assert list(micro_batch_sizes(9, (4, 3, 3), start=1)) == [3, 3, 3]
    assert list(micro_batch_sizes(2, (4,))) == [2]
    assert list(micro_batch_sizes(0, (4,))) == []
    for samples, start in itertools.product(range(30), range(4)):
        assert sum(micro_batch_sizes(samples, (4, 3, 3), start=start)) == samples


def test_the_first_epoch_is_meant_where_none_is_named() -> None:
    chosen = plan(batch_size=4, steps=1, automatic=False, explicit_steps=False, schedule="0:1,1:4")
    assert chosen.banner() is None
    assert chosen.effective_batch_size() == 4
    assert chosen.learning_rate_factor("linear") == 1


def test_a_number_below_one_is_refused_by_its_flag() -> None:
    with pytest.raises(UserError, match=r"^--gradient_accumulation_steps 0: give a number of at least 1$"):
        plan(batch_size=4, steps=0, automatic=False, explicit_steps=True)
    with pytest.raises(UserError, match=r"^--batch_size 0: give"):
        plan(batch_size=0, steps=1, automatic=False, explicit_steps=True)
    with pytest.raises(UserError, match=r"^--target_batch_size 0: give"):
        plan(batch_size=4, steps=1, automatic=False, explicit_steps=False, target_batch_size=0)


def test_a_target_says_that_the_automatic_rule_is_not_used() -> None:
    chosen = plan(batch_size=4, steps=1, automatic=True, explicit_steps=False, target_batch_size=8)
    assert chosen.reason.endswith("8 samples by --target_batch_size; the automatic rule is not used")


def test_one_entry_of_a_schedule_without_a_micro_batch_is_enough() -> None:
    with pytest.raises(UserError, match="at least 1 micro-batch"):
        plan(batch_size=4, steps=1, automatic=False, explicit_steps=False, schedule="0:4,5:0")
