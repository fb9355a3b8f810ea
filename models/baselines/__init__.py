"""What a user would pick instead of a network, by name."""

from models.baselines.base import Baseline
from models.baselines.classical import Boosting, Forest, Logistic
from models.baselines.multirocket import MultiRocketHydra
from models.baselines.rules import Guideline36

BASELINES: dict[str, type[Baseline]] = {
    "RandomForest": Forest,
    "HistGradientBoosting": Boosting,
    "LogisticRegression": Logistic,
    "MultiRocketHydra": MultiRocketHydra,
    "Guideline36": Guideline36,
}

__all__ = ["BASELINES", "Baseline"]
