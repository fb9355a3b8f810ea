"""SingleGAFNet: DualGAFNet with the summation field alone, to measure what the second field is worth."""

from models.DualGAFNet import DualGAFNet


class SingleGAFNet(DualGAFNet):
    """One branch, and no fusion; everything else is DualGAFNet's."""

    methods = ("summation",)
