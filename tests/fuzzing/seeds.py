"""Small files that fuzzing starts from: one of each kind that the readers know, made by this program or by hand."""

import io
import shutil
from pathlib import Path

import numpy as np
import torch

from tests.conftest import REPOSITORY
from tests.fake_run import history, write_csv
from tests.trends.kit import STYLES, clock, unit_readings, write

ROLES = b"""SA_TEMP: {column: "AHU-1 Discharge Air Temp", unit: F}
OA_TEMP: Outdoor
SF_WAT: {column: Fan, unit: kW, states: {Standby: 0, On: 1}}
time: {column: "Trend Time"}
"""
POINTS = b"""Timestamp,Point,Value
2017-03-06 00:00:00,AHU1.SA_TEMP,55.1 degF
2017-03-06 00:00:00,AHU1.OA_TEMP,41.0 degF
2017-03-06 00:05:00,AHU1.SA_TEMP,55.3 degF
2017-03-06 00:05:00,AHU1.OA_TEMP,{fault}
"""
HEADER = """Report;AHU 1\nUnits;;degC;degC;kW\nDatum;Zeit;SA_TEMP;OA_TEMP;SF_WAT
06.03.2017;00:00:00;12,5;3,1;1.250,0\n06.03.2017;00:05:00;12,6;---;ON\n\nTotal;;;;3\n"""
EVENTS = b"""file,fault,start,end,hours,windows,mean_confidence,peak_confidence,confirmed,right
a.csv,stuck,2008-05-06T06:48:00,2008-05-06T18:00:00,11,4,0.7,0.83,yes,no
a.csv,stuck,06.05.2008 06:48,06.05.2008 18:00,11,4,0.7,0.83,no,yes
"""
FEEDBACK = b"""{"written_by": "run.py feedback", "format": 1, "marks": [{"file": "a.csv", "fault": "stuck",
"start": "2008-05-06T06:48:00", "peak_confidence": 0.83, "right": true}]}"""


def small_run(place: Path) -> Path:
    """A run folder without sums, as an earlier version left it."""
    run = Path(shutil.copytree(REPOSITORY / "tests" / "fixtures" / "earlier_run", place / "run"))
    write_csv(run / "training_metrics.csv", history(3))
    return run


def seeds(run: Path, place: Path) -> dict[str, list[bytes]]:
    """Reader -> contents.

    Args:
        run: of `small_run`.
        place: a folder to write to.
    """
    texts = []
    for style in STYLES:
        path = write(place / "seed.csv", clock(rows=6), unit_readings(6)[:, [0, 1, 6]], style=style,
                     names=("SA_TEMP", "OA_TEMP", "SF_WAT"))  # fmt: skip
        texts.append(path.read_bytes())
    texts += [POINTS, HEADER.encode(), HEADER.encode("utf-16"), HEADER.encode("cp1252")]
    buffer = io.BytesIO()
    torch.save({"model": {"a": torch.arange(3.0)}, "progress": {"epoch": 1, "rows": []}, "piece": None}, buffer)
    even = np.stack([np.full(40, 2400), *np.random.default_rng(0).integers(0, 100, (3, 40))], 1)
    odd = np.random.default_rng(1).integers(-(2**15), 2**15, (40, 4))
    return {
        "text": texts,
        "grid": [even.astype(np.int16).tobytes(), odd.astype(np.int16).tobytes()],
        "roles": [ROLES, b"normal: A\nstuck: B\n"],
        "config": [(run / "config.yaml").read_bytes()],
        "marks": [EVENTS, FEEDBACK],
        "artifact": [(run / "model" / "model.json").read_bytes()],
        "checkpoint": [buffer.getvalue()],
        "metrics": [(run / "metrics.json").read_bytes()],
        "tables": [(run / name).read_bytes() for name in ("training_metrics.csv", "predictions_test.csv")],
    }
