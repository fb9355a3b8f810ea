"""The verb `test`: evaluate a run folder again."""

import logging

from data_provider import load_data
from exp.artifact import load_artifact
from exp.run_folder import RunFolder
from exp.train import judge_parts, line_of, measures_of
from utils import distributed
from utils.logs import log_to_screen
from utils.options import Options

logger = logging.getLogger(__name__)


def run(options: Options) -> int:
    """Judges the model of `--run` on its own validation and test part, and compares with what training wrote.

    Returns:
        0 where every number is the same, 1 where one differs.
    """
    log_to_screen()
    folder = RunFolder.find(options.run, options)
    stored = folder.read_metrics()
    artifact = load_artifact(folder.model)
    changes = {"root_path": options.root_path} if "root_path" in options.explicit else {}
    data = load_data(folder.options(**changes))
    device = distributed.device_of(options.device)
    parts = judge_parts(artifact.model.to(device), data, device)
    same = True
    for part, predictions in parts.items():
        measures = measures_of(predictions, data.info.normal)
        logger.info("%s", line_of(part, measures))
        same &= measures == stored[part]
    if same:
        logger.info("every number is the one in metrics.json")
    else:
        logger.warning("these numbers differ from metrics.json: the data, the device or the libraries are others")
    print(f"run folder: {folder.path}")
    return 0 if same else 1
