"""Stands in for run.py where a test is about the web app: it answers at once, and does as the names of files say."""

import json
import sys
import time
from pathlib import Path

ROLES = [
    {"name": "SA_TEMP", "words": "Supply Air Temperature", "units": ["F", "C"], "unit": "F"},
    {"name": "OA_TEMP", "words": "", "units": ["F", "C"], "unit": "F"},
]
POINTS = [
    {"name": "AHU1 DAT <b>", "unit": "C", "low": 12.0, "usual": 12.9, "high": 20.0},
    {"name": "AHU1 OAT", "unit": "", "low": 4.0, "usual": 4.0, "high": 4.0},
    {"name": "AHU1 X", "unit": ""},
]
EVENTS = """\
file,fault,meaning,start,end,hours,windows,mean_confidence,peak_confidence,sensors,ongoing,advice,confirmed,rules,right
a.csv,stuck,damper is stuck <i>,2008-05-06T06:48:00,2008-05-06T18:00:00,11,4,0.7,0.83,,no,look,yes,,
a.csv,leak,valve leaks,2008-05-07T06:48:00,2008-05-07T09:00:00,2.2,4,0.7,0.8,,no,look,yes,,
a.csv,leak,valve leaks,2008-05-08T06:48:00,2008-05-08T09:00:00,2.2,4,0.7,0.8,,no,look,no,,
"""


def main(words: list[str]) -> int:
    """Answers to a verb."""
    verb, flags = words[0], dict(zip(words[1::2], words[2::2], strict=True))
    output = Path(flags.get("--output", "."))
    if verb == "points":
        output.write_text(json.dumps({"file": "a.csv", "roles": ROLES, "points": POINTS}), encoding="utf-8")
        return 0
    names = sorted(path.name for path in Path(flags["--input"]).rglob("*") if path.is_file())
    sys.stdout.writelines(f"{name}: can be evaluated\n  look at: its <clock>\n" for name in names)
    sys.stdout.flush()
    if any(name.startswith("slow") for name in names):
        time.sleep(60)
    if verb == "doctor" and "--output" in flags and any(name.startswith("foreign") for name in names):
        output.write_text("SA_TEMP: {column: AHU1 X}\n", encoding="utf-8")
        sys.stderr.write("run.py: foreign.csv: nothing tells which columns are SA_TEMP\n")
        return 2
    if any(name.startswith("bad") for name in names):
        sys.stderr.write("run.py: bad.csv: the file is empty; export it again\n")
        return 2
    if verb == "doctor" and "--output" in flags:
        output.write_text('SA_TEMP: {column: "AHU1 DAT <b>", unit: C}  # check: by an abbreviation\n', encoding="utf-8")
    if verb == "detect":
        output.mkdir(exist_ok=True)
        (output / "report.html").write_text(f"<!-- detection report --><p>{' '.join(words)}", encoding="utf-8")
        (output / "events.csv").write_text(EVENTS, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
