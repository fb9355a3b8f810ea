"""Options as earlier versions named and stored them: old command lines, run folders and artifacts go on working."""

from collections.abc import Mapping
from typing import Any

# Former name -> the name of today. Flags of the former names work and are not advertised.
FORMER = {"extractor": "encoder", "group_extractors": "group_encoders", "step": "stride"}


def of_today(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored options under the names of today, with what they meant when they were stored.

    Args:
        stored: all options of a run, or those that a file of the user's names.
    """
    values = {name: value for name, value in stored.items() if name not in FORMER}
    values |= {FORMER[name]: value for name, value in stored.items() if name in FORMER}
    whole_run = {"seed", "block_days", "batch_size", "feature_dim"} <= values.keys()
    if whole_run and "extractor" in stored and stored["block_days"] == 7:
        values["block_days"] = None  # the length of earlier versions unless another was asked for
    if whole_run:  # what was the only way before there was a choice
        values = {"scaling": "range", "stat_encoder": "periodic"} | values
    return values
