"""What every baseline of the networks is: a module that is fitted at once, then evaluated and kept like a network.

Letters: n training windows, B windows, C signals, L time steps, K classes, J classes that occur in training.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# The smallest probability that a baseline gives, so that its logarithm is finite.
LEAST = 1e-12


class Baseline(nn.Module):
    """Windows (B, C, L) in [-1, 1] -> logits (B, K): the logarithms of the baseline's probabilities.

    Args:
        signals: C.
        classes: K.
        seed: of everything random in the fit.

    Attributes:
        stored: whether the fitted baseline is tensors; if not it is fitted again wherever it is needed.
        names: of the buffers that a fit fills, beside "present", the (J,) class numbers that occur in training.
    """

    stored = True
    names: tuple[str, ...] = ()
    present: Tensor

    def __init__(self, *, signals: int, classes: int, seed: int) -> None:
        super().__init__()
        self.classes, self.seed = classes, seed
        for name in (*self.names, "present"):
            self.register_buffer(name, torch.empty(0))

    def fit(self, x: Tensor, y: Tensor, weights: Tensor | None = None) -> None:
        """Fits to windows.

        Args:
            x: (n, C, L) in [-1, 1].
            y: (n,) class numbers.
            weights: (n,) importance of the windows; None for all alike.
        """
        for name, tensor in self._fitted(x.float(), y, weights).items():
            setattr(self, name, tensor.contiguous().to(x.device))
        self.present = y.unique()

    def _fitted(self, x: Tensor, y: Tensor, weights: Tensor | None) -> dict[str, Tensor]:
        """The buffers `names`, fitted as `fit` says."""
        raise NotImplementedError

    def probabilities(self, x: Tensor) -> Tensor:
        """(B, C, L) float32 -> (B, J) float64, rows that sum to 1."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, K) float64."""
        p = self.probabilities(x.float())
        everything = p.new_zeros(len(p), self.classes).index_copy(1, self.present, p)
        return everything.clamp_min(LEAST).log()

    def predict_proba(self, x: Tensor) -> np.ndarray:
        """(B, C, L) -> (B, K) float64, rows that sum to 1."""
        with torch.no_grad():
            return self(x).softmax(1).cpu().numpy()

    @property
    def numbers(self) -> int:
        """How many numbers are kept of a fit: what a network's parameters are compared with."""
        return sum(buffer.numel() for buffer in self.buffers()) if self.stored else 0

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As any module's; buffers take the sizes of the stored ones, which no one knows before a fit."""
        for name, tensor in state_dict.items():
            if name in self._buffers:
                self._buffers[name] = torch.empty_like(tensor)
        result = super().load_state_dict(state_dict, strict, assign)
        self._check()
        return result

    def _check(self) -> None:
        """Raises RuntimeError where the loaded tensors do not fit each other."""
        present = self.present
        inside = present.dim() == 1 and present.dtype == torch.int64 and 0 < len(present) <= self.classes
        if not inside or int(present.min()) < 0 or int(present.max()) >= self.classes:
            raise RuntimeError(f"its classes are not some of {self.classes}")
