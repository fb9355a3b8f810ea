"""Any image network as an encoder, for the backbones of a library that this room does not import.

Letters: N images, S their side, D features.
"""

from torch import nn

from layers.encoders.image import ImageEncoder


class BackboneEncoder(ImageEncoder):
    """A given network with one input channel, and a linear layer behind it.

    Args:
        backbone: images (N, 1, S, S) -> (N, features).
        features: what `backbone` gives.
        method: the field, "summation" or "difference".
        dim: D.
    """

    def __init__(self, *, backbone: nn.Module, features: int, method: str, dim: int) -> None:
        super().__init__(net=nn.Sequential(backbone, nn.Linear(features, dim)), method=method)
