"""The comparison with other frameworks: its truth, and the two rows that need no other package."""

import pytest
import torch
import torch.nn.functional as F

from benchmarks.pages import marks, put
from benchmarks.parity import hand_written, ours
from benchmarks.parity.cases import CASES, CLASS_WEIGHTS, LEARNING_RATE, distance, true_weights
from benchmarks.parity.table import CONTENDERS, PAGE, row_of, table_of
from benchmarks.parity.torch_network import network, weights_of


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_truth_is_pytorchs_own_big_batch(case) -> None:
    """The gradient written out by hand, against autograd on the undivided windows."""
    model = network().double()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    weight = torch.tensor(CLASS_WEIGHTS) if case.weighted else None
    steps = 0
    for _ in range(case.epochs):
        batches = [tuple(map(torch.from_numpy, batch)) for batch in case.epoch()]
        while batches:
            window, batches = batches[:4], batches[4:]
            x, y = (torch.cat(parts) for parts in zip(*window, strict=True))
            optimizer.zero_grad()
            F.cross_entropy(model(x.double()), y, weight=weight).backward()
            optimizer.step()
            steps += 1
    assert steps == 20
    assert distance(weights_of(model), true_weights(case)) < 1e-12


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_engine_is_exact_where_the_usual_loop_is_not(case) -> None:
    assert distance(ours.train(case), true_weights(case)) < 1e-6
    usual = distance(hand_written.train(case), true_weights(case))
    assert usual < 1e-6 if case.name == "even" else usual > 0.03


def test_a_framework_that_is_not_installed_says_so(tmp_path) -> None:
    rows = [row_of(contender, tmp_path) for contender in CONTENDERS]
    assert all(row[1] == "not installed" for row in rows)
    assert len(table_of(rows).splitlines()) == len(CONTENDERS) + 2


def test_the_table_is_written_between_the_markers_again_and_again(tmp_path) -> None:
    page = tmp_path / "page.md"
    begin, end = marks("parity")
    page.write_text(f"before\n{begin}\nold\n{end}\nafter \u7d2f\n", encoding="utf-8")
    for _ in range(2):
        put("parity", "| new |", page)
    assert page.read_text(encoding="utf-8") == f"before\n{begin}\n\n| new |\n\n{end}\nafter \u7d2f\n"


def test_the_page_holds_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [text.count(mark) for mark in marks("parity")] == [1, 1]
    assert all(f"| {contender.label} |" in text for contender in CONTENDERS)
