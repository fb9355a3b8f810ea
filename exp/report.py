"""The verb `report`: figures and page of a run folder again, or one table of several."""

import glob
import logging
from pathlib import Path

from exp.reporting import comparison, model_card, training_report
from exp.reporting.figures import draw_figures
from exp.runs.run_folder import RunFolder
from utils.errors import UserError
from utils.logs import log_to_screen
from utils.options import Options

logger = logging.getLogger(__name__)


def run(options: Options) -> int:
    """Rebuilds what `--run` shows, or compares the run folders of `--compare`."""
    log_to_screen()
    if options.compare:
        return _compare(options)
    for name in ("baseline", "output"):
        if getattr(options, name) is not None:
            raise UserError(f"--{name} belongs to --compare; name the run folders to compare")
    folder = RunFolder.find(options.run, options)
    with folder.alone():
        folder.check()
        draw_figures(folder)
        logger.info("report: %s", training_report.write(folder.path))
        model_card.write(folder)
        folder.note_made()
    print(f"run folder: {folder.path}")
    return 0


def _compare(options: Options) -> int:
    """Prints and writes one table of the run folders that the patterns match, at their level or the one below."""
    found = [Path(name) for pattern in options.compare for name in sorted(glob.glob(pattern))]
    below = [child for path in found if path.is_dir() and not _is_run(path) for child in sorted(path.iterdir())]
    folders = list(dict.fromkeys(path.resolve() for path in [*found, *below] if _is_run(path)))
    if not folders:
        raise UserError(f"no run folder matches {' '.join(options.compare)}; a run folder holds config.yaml")
    output = Path(options.output) if options.output else Path(options.result_path)
    page, told = comparison.write_and_tell(folders, output, options.baseline)
    print(told)
    print(f"comparison: {page}")
    return 0


def _is_run(path: Path) -> bool:
    return RunFolder(path).config.is_file()
