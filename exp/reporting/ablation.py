"""The table of an ablation: a row a tag with the mean of its seeds, and how it differs from the baseline."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exp.reporting import difference_tables, differences
from exp.reporting.comparison import text
from exp.reporting.page import render, save
from exp.runs.comparable import load
from utils.errors import UserError

logger = logging.getLogger(__name__)


def write(folders: Sequence[Path], output: Path, baseline: str, older: int = 0) -> tuple[Path, str]:
    """Writes the table as a page, as text, as CSV with plain numbers and as LaTeX.

    Args:
        folders: run folders; those of one `--des` and model are seeds or folds of one row.
        output: the page, NAME.html, with NAME.txt, NAME.csv and NAME.tex beside it; or a folder, then the name is
            "ablation".
        baseline: the tag that the others are compared with, or a run folder.
        older: how many runs were left out for newer ones of their seed.

    Returns:
        The page's path, and the table as a terminal shows it.

    Raises:
        UserError: fewer than two tags; no tag, or several rows, are the baseline; a run folder is damaged.
    """
    groups, _ = load(folders, by_tag=True)
    if len(groups) < 2:
        raise UserError("an ablation is of two tags or more; name more with --ablation, as 'ablation_*'")
    rows = differences.against(groups, baseline)
    cells = difference_tables.cells(rows)
    runs = sum(len(group) for group in groups)
    remarks = difference_tables.remarks(rows)
    if older:
        remarks.append(f"{older} older runs of the same tag, seed and fold are left out.")
    page = Path(output) if Path(output).suffix == ".html" else Path(output) / "ablation.html"
    title = f"Ablation of {len(groups)} tags in {runs} runs, against {rows[0].name}"
    lines = [title, "", text(difference_tables.HEADER, cells), "", *remarks, ""]
    content: dict[str, Any] = {
        "kicker": "Ablation",
        "title": title,
        "header": [],
        "rows": [],
        "numeric": (),
        "remarks": [],
    }
    content |= {"apart": cells, "apart_header": difference_tables.HEADER, "apart_remarks": remarks}
    save(page, render("compare.html.j2", apart_numeric=difference_tables.NUMERIC, **content))
    save(page.with_suffix(".txt"), "\n".join(lines))
    save(page.with_suffix(".csv"), difference_tables.as_csv(rows))
    save(page.with_suffix(".tex"), difference_tables.as_latex(rows))
    logger.info("wrote %s, and its tables beside it", page)
    return page, "\n".join(lines).rstrip()
