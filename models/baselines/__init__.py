"""What a user would pick instead of a network, by name."""

from models.baselines.base import Rival
from models.baselines.classical import Boosting, Forest, Logistic
from models.baselines.multirocket import MultiRocketHydra

RIVALS: dict[str, type[Rival]] = {
    "RandomForest": Forest,
    "HistGradientBoosting": Boosting,
    "LogisticRegression": Logistic,
    "MultiRocketHydra": MultiRocketHydra,
}

__all__ = ["RIVALS", "Rival"]
