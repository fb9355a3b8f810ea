"""The verb `test`: evaluate a run folder again."""

import logging
from typing import Any

from torch import nn

from data_provider import load_data
from exp.evaluation.measure import evaluate_parts, known_to, line_of, measures_of
from exp.runs.artifact import load_artifact
from exp.runs.cache_place import with_known_cache
from exp.runs.leak_marks import marked
from exp.runs.run_folder import RunFolder
from exp.training.fit_baseline import baseline_of, fitted
from models.baselines import BASELINES
from utils import distributed
from utils.logs import log_to_screen
from utils.options import Options
from utils.written import DIGITS, SINGLE_DIGITS, agree

logger = logging.getLogger(__name__)


def run(options: Options) -> int:
    """Evaluates the model of `--run` on its own validation and test part, and compares with what training wrote.

    Returns:
        0 where every number is the same to the digits written, 1 where one differs.
    """
    log_to_screen()
    folder, found = measures(options)
    stored = folder.read_metrics()
    digits = stored.get("digits", SINGLE_DIGITS)
    if digits != DIGITS:
        logger.info(
            "an earlier version evaluated this run in single precision: numbers are compared to %d decimals", digits
        )
    same = True
    for part, measured in found.items():
        logger.info("%s", marked(stored["data"], line_of(part, measured)))
        same &= agree(known_to(stored[part], measured), stored[part], digits=digits)
    if same:
        logger.info("every number is the one in metrics.json, to %d decimals", digits)
    else:
        logger.warning("these numbers differ from metrics.json: the data, the model or the libraries are others")
    print(f"run folder: {folder.path}")
    return 0 if same else 1


def measures(options: Options) -> tuple[RunFolder, dict[str, dict[str, Any]]]:
    """The run folder that `--run` names, and the measures of its model on validation and test.

    Raises:
        UserError: the run, or the data that it was made of, cannot be used.
    """
    folder = RunFolder.find(options.run, options)
    folder.read_metrics()  # a run that has not ended says so before its data is read
    folder.check()
    changes = {name: getattr(options, name) for name in ("root_path", "cache_path") if name in options.explicit}
    own = with_known_cache(folder.options(**changes), options.explicit)
    data = load_data(own)
    device = distributed.device_of(options.device)
    if own.model in BASELINES and not BASELINES[own.model].stored:
        logger.info("%s is not kept in the run folder: it is fitted again, with the run's seed", own.model)
        model: nn.Module = fitted(baseline_of(own, data), own, data)
    else:
        model = load_artifact(folder.model).model
    parts = evaluate_parts(model.to(device), data, device)
    return folder, {part: measures_of(predictions, data.info.normal) for part, predictions in parts.items()}
