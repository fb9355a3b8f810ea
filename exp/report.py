"""The verb `report`: figures and page of a run folder again, or one table of several."""

import glob
import logging
from pathlib import Path

from exp.figures import draw_figures
from exp.run_folder import RunFolder
from utils import compare, report
from utils.errors import UserError
from utils.logs import log_to_screen
from utils.options import Options

logger = logging.getLogger(__name__)


def run(options: Options) -> int:
    """Rebuilds what `--run` shows, or compares the run folders of `--compare`."""
    log_to_screen()
    if options.compare:
        return _compare(options)
    folder = RunFolder.find(options.run, options)
    draw_figures(folder)
    logger.info("report: %s", report.write(folder.path))
    print(f"run folder: {folder.path}")
    return 0


def _compare(options: Options) -> int:
    found = [Path(name) for pattern in options.compare for name in sorted(glob.glob(pattern))]
    folders = list(dict.fromkeys(path.resolve() for path in found if (path / "metrics.json").is_file()))
    if not folders:
        raise UserError(f"no finished run folder matches {' '.join(options.compare)}; a run folder holds metrics.json")
    page = compare.write(folders, Path(options.result_path) / "comparison")
    header, rows = compare.table(folders)
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"comparison: {page}")
    return 0
