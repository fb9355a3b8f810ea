"""Windows of two parts that share readings, and test windows that training holds reading for reading."""

from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import MARK, STOP, Finding
from data_provider.splits.split import PARTS, TEST, TRAIN, VAL

RANDOM = "random"
MANY = 0.05  # of the test; fewer may be hours in which a fault does not show, in days that the split was asked to part


def overlapping_windows(evidence: Evidence) -> list[Finding]:
    """Rows that windows of two parts cover."""
    found = []
    for one, other in ((TRAIN, TEST), (VAL, TEST), (TRAIN, VAL)):
        shared = evidence.covered[one] & evidence.covered[other]
        rows = int(shared.sum())
        if rows:
            runs = sorted({evidence.names[run] for run in set(evidence.run_of_row[shared].tolist())})
            found.append(
                Finding(
                    check="overlapping_windows",
                    level=MARK if evidence.asked.split == RANDOM else STOP,
                    words=f"windows of {PARTS[one]} and {PARTS[other]} share {rows:,} rows",
                    remedy="use the default --split, which keeps parts a window apart",
                    files=tuple(runs),
                    rows=rows,
                )
            )
    return found


def repeated_windows(evidence: Evidence) -> list[Finding]:
    """Test windows that are training windows too, to the last bit."""
    same = int(evidence.found.get("test windows that are also in training", 0))
    if not same:
        return []
    many = same >= MANY * (evidence.windows.part == TEST).sum()
    stop = evidence.asked.split == "blocked" or (many and evidence.asked.split != RANDOM)
    return [
        Finding(
            check="repeated_windows",
            level=STOP if stop else MARK,
            words=f"{same:,} test windows are in training too, reading for reading",
            remedy="take away the files that are copies of others, or keep copies together with --split group",
            rows=same,
        )
    ]
