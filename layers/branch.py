"""A branch of the network: the encoders of one field, one for all signals or one a group.

Letters: B batch, C signals, G signals of a group, T rows of features, S steps, D features.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from layers.gramian import Gramian


class Branch(nn.Module):
    """Looks at the fields of all signals with one encoder, whose weights they share.

    The norm brings the features of any encoder to one size, without which the fusion and the statistics would not
    be heard beside them, or they beside those.

    Args:
        encoder: factors of N signals -> features (N, D).
        dim: D.
    """

    def __init__(self, *, encoder: nn.Module, dim: int) -> None:
        super().__init__()
        self.extractor = encoder  # the name that stored weights have
        self.norm = nn.Sequential(nn.LayerNorm(dim), nn.GELU())

    def forward(self, fields: Gramian) -> Tensor:
        """Factors (B, C, S) -> features (B, C, D)."""
        batch, signals, _ = fields.cos.shape
        flat = fields._replace(cos=fields.cos.flatten(0, 1), sin=fields.sin.flatten(0, 1))  # (B C, S) each
        return self.norm(self.extractor(flat)).unflatten(0, (batch, signals))


class BetweenBranch(nn.Module):
    """Looks at the fields between all signals with one encoder, which gives them one row of features.

    Args:
        encoder: factors of a window's C signals -> features (B, D).
        dim: D.
    """

    def __init__(self, *, encoder: nn.Module, dim: int) -> None:
        super().__init__()
        self.extractor = encoder
        self.norm = nn.Sequential(nn.LayerNorm(dim), nn.GELU())

    def forward(self, fields: Gramian) -> Tensor:
        """Factors (B, C, S) -> features (B, 1, D)."""
        return self.norm(self.extractor(fields)).unsqueeze(1)


class NoBranch(nn.Module):
    """Looks at nothing, for a network without its fields.

    Args:
        dim: D.
    """

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, fields: Gramian) -> Tensor:
        """Factors (B, C, S) -> zeros (B, 1, D)."""
        return fields.cos.new_zeros(len(fields.cos), 1, self.dim)


class GroupedBranch(nn.Module):
    """Looks at every group of signals with a branch of its own.

    Args:
        groups: places of the signals of each group; together they hold each of the C places once.
        branches: one a group.
    """

    back: Tensor

    def __init__(self, *, groups: Sequence[Sequence[int]], branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        for i, group in enumerate(groups):
            self.register_buffer(f"group_{i}", torch.tensor(group), persistent=False)
        # A branch between signals gives one row, which stands where its group's first signal does.
        rows = [
            place
            for group, branch in zip(groups, branches, strict=True)
            for place in (group[:1] if isinstance(branch, BetweenBranch) else group)
        ]
        self.register_buffer("back", torch.tensor(rows).argsort(), persistent=False)

    def forward(self, fields: Gramian) -> Tensor:
        """Factors (B, C, S) -> features (B, T, D), in the order of the signals."""
        parts = []
        for i, branch in enumerate(self.branches):
            places = self.get_buffer(f"group_{i}")  # (G,)
            parts.append(branch(fields._replace(cos=fields.cos[:, places], sin=fields.sin[:, places])))  # (B, G, D)
        return torch.cat(parts, 1)[:, self.back]
