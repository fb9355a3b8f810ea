"""Transformers Trainer with a model that takes **kwargs and returns its mean loss all the same."""

from benchmarks.parity import hf_trainer
from benchmarks.parity.cases import Case, Weights


def train(case: Case) -> Weights:
    """See `hf_trainer.train`."""
    return hf_trainer.train(case, hf_trainer.KeywordClassifier)
