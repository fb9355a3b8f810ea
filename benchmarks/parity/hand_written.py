"""The loop of most tutorials: each micro-batch's mean divided by N, a step every N and at the end."""

import itertools

import torch

from benchmarks.parity.cases import LEARNING_RATE, STEPS, Case, Weights
from benchmarks.parity.torch_network import criterion, loader, network, weights_of


def train(case: Case) -> Weights:
    """Saves model and optimizer, as tutorials do; the pending gradients are not among them."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    loss_of, batches = criterion(case), loader(case)
    for _ in range(case.epochs):
        for i, (x, y) in enumerate(batches):
            if case.stop and i == case.stop:
                saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "batch": i}
                break
            _micro_batch(model, optimizer, loss_of, x, y, ends=(i + 1) % STEPS == 0 or i + 1 == len(batches))
    if case.stop:
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        for i, (x, y) in itertools.islice(enumerate(batches), saved["batch"], None):
            _micro_batch(model, optimizer, loss_of, x, y, ends=(i + 1) % STEPS == 0 or i + 1 == len(batches))
    return weights_of(model)


def _micro_batch(model, optimizer, loss_of, x, y, *, ends: bool) -> None:
    (loss_of(model(x), y) / STEPS).backward()
    if ends:
        optimizer.step()
        optimizer.zero_grad()
