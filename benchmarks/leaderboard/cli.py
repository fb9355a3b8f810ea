"""`bash scripts/reproduce_results.sh`: makes the records that are missing, then the page."""

import argparse
import logging
import math
import sys
import time
from collections.abc import Sequence

from benchmarks.leaderboard import page
from benchmarks.leaderboard.contest import FIRST_SEED, RECORDS, hold, missing, records
from benchmarks.leaderboard.tables import ROWS, TABLES
from benchmarks.pages import DOCS, check_pages, put
from utils.errors import UserError, unknown_name

QUICK_RECORDS = "quick.jsonl"


def main(arguments: Sequence[str]) -> int:
    """Trains what no record is there of, and writes docs/RESULTS.md from all records.

    Returns:
        0, 2 where something was asked for that is not there, 130 after Ctrl-C; what was done is kept.
    """
    given = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)  # a line a training is enough
    try:
        check_pages()
        _known(given.only)
        return _run(given)
    except UserError as error:
        print(f"reproduce_results: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("reproduce_results: interrupted; the same command goes on", file=sys.stderr)
        return 130
    finally:
        logging.disable(logging.NOTSET)


def _run(given: argparse.Namespace) -> int:
    path = RECORDS.with_name(QUICK_RECORDS) if given.quick else RECORDS
    seeds = 1 if given.quick else given.seeds
    ends = math.inf if given.minutes is None else time.monotonic() + given.minutes * 60
    todo = [] if given.page else list(missing(records(path), given.only, seeds, slow=given.slow))
    left_out: dict[str, str] = {}
    for place, (table, row, seed) in enumerate(todo, 1):
        what = f"{table.name}/{row.name} seed {seed}"
        try:
            record = hold(table, row, seed, quick=given.quick, path=path)
            print(f"[{place}/{len(todo)}] {what}: macro-F1 {record['measures']['macro_f1']:.3f}, "
                  f"{record['seconds']:.0f} s", flush=True)  # fmt: skip
        except UserError as error:
            left_out[what] = str(error)
            print(f"[{place}/{len(todo)}] {what}: left out, {error}", flush=True)
        if time.monotonic() > ends and place < len(todo):
            print(f"{len(todo) - place} trainings are left; the same command goes on")
            break
    text = page.text(records(path), range(FIRST_SEED, FIRST_SEED + seeds))
    if given.quick:
        print(f"\n{text}")
        path.unlink(missing_ok=True)
    else:
        put("leaderboard", text, DOCS / "RESULTS.md")
        print(f"page: {DOCS / 'RESULTS.md'}")
    return 0


def _known(only: str) -> None:
    """Raises UserError if `--only` names a table or a row that is not there."""
    tables, _, rows = only.partition("/")
    for kind, names, there in (("table", tables, TABLES), ("row", rows, ROWS)):
        for name in filter(None, names.split(",")):
            if name not in [entry.name for entry in there]:
                raise unknown_name(kind, name, [entry.name for entry in there])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reproduce_results.sh", description=__doc__)
    parser.add_argument("--only", default="", help="TABLES or TABLES/ROWS, names with commas")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds (default 5)")
    parser.add_argument("--minutes", type=float, help="stop after the training that ends behind these minutes")
    parser.add_argument("--slow", action="store_true", help="also what takes a processor more than an hour")
    parser.add_argument("--quick", action="store_true", help="two epochs, one seed, nothing kept")
    parser.add_argument("--page", action="store_true", help="write the page from the records that are there")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
