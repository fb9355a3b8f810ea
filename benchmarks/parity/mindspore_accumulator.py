"""MindSpore with a hand-written accumulator: its own store of gradients and a counter, in PyNative mode."""

import itertools

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from benchmarks.parity.cases import (
    CLASS_WEIGHTS,
    CLASSES,
    FEATURES,
    HIDDEN,
    LEARNING_RATE,
    STEPS,
    Case,
    Weights,
    initial_weights,
)


class Accumulator:
    """Adds gradients up; every N-th call hands them to the optimizer. Zeroing after each step, one clone per tensor."""

    def __init__(self, optimizer: nn.Optimizer) -> None:
        self.optimizer = optimizer
        self.inner_grads = optimizer.parameters.clone(prefix="accum_", init="zeros")
        self.counter = 0

    def __call__(self, grads: tuple[ms.Tensor, ...]) -> None:
        for store, gradient in zip(self.inner_grads, grads, strict=True):
            ops.assign_add(store, gradient)
        self.counter += 1
        if self.counter % STEPS == 0:
            self.optimizer(self.inner_grads)
            for store in self.inner_grads:
                ops.assign(store, ops.zeros_like(store))


def train(case: Case) -> Weights:
    """The checkpoint holds the model's parameters, as `save_checkpoint(model)` writes it."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    model = _network()
    accumulator = Accumulator(nn.SGD(model.trainable_params(), learning_rate=LEARNING_RATE))
    for _ in range(case.epochs):
        _epoch(case, model, accumulator, 0, case.stop or None)
    if case.stop:
        saved = {p.name: p.asnumpy().copy() for p in model.get_parameters()}
        model = _network()
        for parameter in model.get_parameters():
            parameter.set_data(ms.Tensor(saved[parameter.name]))
        accumulator = Accumulator(nn.SGD(model.trainable_params(), learning_rate=LEARNING_RATE))
        _epoch(case, model, accumulator, case.stop, None)
    return [p.asnumpy().T for p in model.trainable_params()]


def _epoch(case: Case, model: nn.Cell, accumulator: Accumulator, first: int, last: int | None) -> None:
    weight = ms.Tensor(CLASS_WEIGHTS.astype(np.float32)) if case.weighted else None

    def forward(x: ms.Tensor, y: ms.Tensor) -> ms.Tensor:
        return ops.cross_entropy(model(x), y, weight=weight) / STEPS

    gradients_of = ms.value_and_grad(forward, None, model.trainable_params())
    for x, y in itertools.islice(case.epoch(), first, last):
        _, gradients = gradients_of(ms.Tensor(x), ms.Tensor(y.astype(np.int32)))
        accumulator(gradients)


def _network() -> nn.Cell:
    model = nn.SequentialCell(nn.Dense(FEATURES, HIDDEN), nn.Tanh(), nn.Dense(HIDDEN, CLASSES))
    for parameter, value in zip(model.trainable_params(), initial_weights(), strict=True):
        parameter.set_data(ms.Tensor(np.ascontiguousarray(value.T)))
    return model
