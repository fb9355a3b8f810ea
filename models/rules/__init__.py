"""Rules of the field beside the network: Guideline 36's fault conditions and APAR's rules.

They need no training and name no cause for sure, but they say in an engineer's words what cannot be. `evaluate` runs
conditions over a unit's trends; reports tell which held, for how long and by how much.
"""

from models.rules.apar import APAR
from models.rules.conditions import KINDS, Condition, Held, answerable, evaluate
from models.rules.guideline36 import GUIDELINE_36
from models.rules.parameters import Parameters, infer
from models.rules.points import UnitPoints

RULE_SETS: dict[str, tuple[Condition, ...]] = {"Guideline36": GUIDELINE_36, "APAR": APAR}
RULES: dict[str, Condition] = {rule.name: rule for rules in RULE_SETS.values() for rule in rules}

__all__ = [
    "APAR",
    "GUIDELINE_36",
    "KINDS",
    "RULES",
    "RULE_SETS",
    "Condition",
    "Held",
    "Parameters",
    "UnitPoints",
    "answerable",
    "evaluate",
    "infer",
]
