"""Accelerate: `accumulate`, and `save_state`, `load_state`, `skip_first_batches` for the resume."""

import tempfile

import torch
from accelerate import Accelerator

from benchmarks.parity.cases import LEARNING_RATE, STEPS, Case, Weights
from benchmarks.parity.torch_network import criterion, loader, network, weights_of


def train(case: Case) -> Weights:
    """The loop of its guide."""
    accelerator, model, optimizer, batches = _parts(case)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(case.epochs):
            _epoch(case, accelerator, model, optimizer, batches, stop=case.stop)
        if case.stop:
            accelerator.save_state(folder)
            accelerator, model, optimizer, batches = _parts(case)
            accelerator.load_state(folder)
            rest = accelerator.skip_first_batches(batches, case.stop)
            _epoch(case, accelerator, model, optimizer, rest, stop=0)
    return weights_of(model)


def _parts(case: Case):
    accelerator = Accelerator(gradient_accumulation_steps=STEPS, cpu=True)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    return accelerator, *accelerator.prepare(model, optimizer, loader(case))


def _epoch(case: Case, accelerator, model, optimizer, batches, *, stop: int) -> None:
    loss_of = criterion(case)
    for i, (x, y) in enumerate(batches):
        if stop and i == stop:
            return
        with accelerator.accumulate(model):
            accelerator.backward(loss_of(model(x), y))
            optimizer.step()
            optimizer.zero_grad()
