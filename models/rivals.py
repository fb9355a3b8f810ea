"""What a user would pick instead of a network, by name."""

from models.rivals_aeon import MultiRocketHydra
from models.rivals_base import Rival
from models.rivals_sklearn import Boosting, Forest, Logistic

RIVALS: dict[str, type[Rival]] = {
    "RandomForest": Forest,
    "HistGradientBoosting": Boosting,
    "LogisticRegression": Logistic,
    "MultiRocketHydra": MultiRocketHydra,
}

__all__ = ["RIVALS", "Rival"]
