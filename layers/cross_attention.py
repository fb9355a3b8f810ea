"""Dot-product attention between two sets of vectors.

Letters: B batch, Q asking vectors, C answering vectors, D features, M heads.
Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.
"""

from torch import Tensor, nn


class CrossAttention(nn.Module):
    """Every vector of one set gathers from the other what resembles it.

    Args:
        dim: D.
        heads: the most heads; the largest number up to it that divides D is taken.
    """

    def __init__(self, *, dim: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = next(m for m in range(min(heads, dim), 0, -1) if dim % m == 0)
        # A key's bias would shift all weights of a question alike, so that it would never be trained.
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim, bias=False)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, asking: Tensor, answering: Tensor) -> Tensor:
        """(B, Q, D), (B, C, D) -> (B, Q, D)."""
        query = self._split(self.query(asking))  # (B, M, Q, D/M)
        key = self._split(self.key(answering))  # (B, M, C, D/M)
        value = self._split(self.value(answering))
        weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(-1)  # (B, M, Q, C)
        return self.out((weights @ value).transpose(1, 2).flatten(2))

    def _split(self, vectors: Tensor) -> Tensor:
        """(B, C, D) -> (B, M, C, D/M)."""
        return vectors.unflatten(-1, (self.heads, -1)).transpose(1, 2)
