"""The verb `report`: figures and page of a run folder again, or one table of several or of an ablation."""

import glob
import logging
from pathlib import Path

from exp.reporting import ablation, comparison, model_card, training_report
from exp.reporting.figures import draw_figures
from exp.runs.run_folder import RunFolder
from exp.runs.tagged import runs_of_tags
from utils.errors import UserError
from utils.logs import log_to_screen
from utils.options import Options

logger = logging.getLogger(__name__)


def run(options: Options) -> int:
    """Rebuilds what `--run` shows, or compares the runs of `--compare` or `--ablation`."""
    log_to_screen()
    if options.compare and options.ablation:
        raise UserError("--compare and --ablation are two tables; give one of them")
    if options.compare:
        return _compare(options)
    if options.ablation:
        return _ablation(options)
    for name in ("baseline", "output"):
        if getattr(options, name) is not None:
            raise UserError(f"--{name} belongs to --compare and --ablation; name what to compare")
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


def _ablation(options: Options) -> int:
    """Prints and writes the table of the tags of `--ablation`."""
    chosen = {name: getattr(options, name) for name in ("data", "model") if name in options.explicit}
    results = Path(options.result_path)
    folders, older = runs_of_tags(results, options.ablation, **chosen)
    tags = list(dict.fromkeys(path.parent.name for path in folders))
    baseline = options.baseline or options.ablation[0]
    if options.baseline is None and baseline not in tags:
        raise UserError(
            f"--ablation {' '.join(options.ablation)} has several tags; name the one to compare with, as "
            f"--baseline {tags[0]}; there are: {', '.join(tags)}"
        )
    output = Path(options.output) if options.output else results
    page, told = ablation.write(folders, output, baseline, older)
    print(told)
    print(f"ablation: {page}")
    return 0


def _is_run(path: Path) -> bool:
    return RunFolder(path).config.is_file()
