"""MultiRocket-Hydra, the strongest of the fast convolutional classifiers, from aeon.

Sources: Tan et al., "MultiRocket", DMKD 2022; Dempster et al., "Hydra", DMKD 2023.
Letters: n training windows, B windows, C signals, L time steps, J classes that occur in training.
"""

import importlib.util
from typing import Any

import torch
from torch import Tensor

from models.baselines.base import Baseline
from utils.errors import UserError

SHORTEST = 9  # steps: its kernels are as long


class MultiRocketHydra(Baseline):
    """aeon's MultiRocketHydraClassifier. It answers with a class, not with probabilities: the answer's is 1.

    Its parts have no form that loads without running code, so a run folder does not keep it: whoever needs it fits it
    again, with the run's seed on the run's data.

    Raises:
        UserError: aeon is not installed; in `fit`, the windows are too short or there are class weights.
    """

    stored = False

    def __init__(self, *, signals: int, classes: int, seed: int) -> None:
        super().__init__(signals=signals, classes=classes, seed=seed)
        if importlib.util.find_spec("aeon") is None:
            raise UserError(
                "--model MultiRocketHydra needs the package aeon, an extra; install it with: pip install aeon"
            )
        self._classifier: Any = None

    def _fitted(self, x: Tensor, y: Tensor, weights: Tensor | None) -> dict[str, Tensor]:
        if weights is not None:
            raise UserError("--model MultiRocketHydra has no use for class weights; leave them out")
        if x.shape[-1] < SHORTEST:
            raise UserError(f"--model MultiRocketHydra needs windows of {SHORTEST} steps at least; raise --seq_len")
        from aeon.classification.convolution_based import MultiRocketHydraClassifier

        threads, state = torch.get_num_threads(), torch.get_rng_state()
        self._classifier = MultiRocketHydraClassifier(random_state=self.seed, n_jobs=threads)
        self._classifier.fit(x.cpu().numpy(), y.cpu().numpy())
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
        return {}

    def probabilities(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, J), 1 for the class answered."""
        return torch.from_numpy(self._classifier.predict_proba(x.cpu().numpy())).double().to(x.device)
