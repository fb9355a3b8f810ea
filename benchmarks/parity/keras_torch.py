"""Keras on torch: the optimizer's own `gradient_accumulation_steps`, under `fit`."""

import os

os.environ["KERAS_BACKEND"] = "torch"  # before Keras is imported
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

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


class MicroBatches(keras.utils.PyDataset):
    """The case's micro-batches from `first` on, up to `last`."""

    def __init__(self, case: Case, first: int = 0, last: int | None = None) -> None:
        super().__init__()
        self.batches = list(itertools.islice(case.epoch(), first, last))

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.batches[index]


def train(case: Case) -> Weights:
    """The resume saves and loads the whole model, optimizer included."""
    model = _model()
    class_weight = dict(enumerate(CLASS_WEIGHTS.tolist())) if case.weighted else None
    settings = {"epochs": case.epochs, "shuffle": False, "verbose": 0, "class_weight": class_weight}
    model.fit(MicroBatches(case, 0, case.stop or None), **settings)
    if case.stop:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "mid.keras"
            model.save(file)
            model = keras.models.load_model(file)
        model.fit(MicroBatches(case, case.stop), **settings)
    return list(_arrays(model))


def _model() -> keras.Model:
    model = keras.Sequential(
        [keras.Input((FEATURES,)), keras.layers.Dense(HIDDEN, activation="tanh"), keras.layers.Dense(CLASSES)]
    )
    model.set_weights(initial_weights())
    optimizer = keras.optimizers.SGD(LEARNING_RATE, gradient_accumulation_steps=STEPS)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def _arrays(model: keras.Model) -> Iterator[np.ndarray]:
    return (np.asarray(weights) for weights in model.get_weights())
