"""An engineer's afternoon: eight units of a building in its own names and in Celsius, none labelled.

    python examples/eight_units.py FOLDER

simulates the units (seven have a fault, one has none), writes a file a unit as a building-automation system would, and
then does what the guide for engineers says: `doctor` writes a role map for the folder, `detect` finds the faults with
the base model. It prints what was wrong with each unit and what the model says.
"""

import csv
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Unit -> the run of the simulator that it is.
UNITS = {
    "AHU-1": "coi_stuck_075_annual",
    "AHU-2": "damper_stuck_075_annual",
    "AHU-3": "coi_stuck_010_annual",
    "AHU-4": "AHU_annual",
    "AHU-5": "coi_leakage_050_annual",
    "AHU-6": "damper_stuck_010_annual",
    "AHU-7": "coi_bias_4_annual",
    "AHU-8": "coi_stuck_025_annual",
}
# The points that this building logs, of the simulator's thirty, and what it calls them behind the unit.
POINTS = {
    "SA_TEMP": "SUP_T",
    "SA_TEMPSPT": "SUP_T_SP",
    "OA_TEMP": "OUT_T",
    "MA_TEMP": "MIX_T",
    "RA_TEMP": "RET_T",
    "OA_DMPR_DM": "OUT_DMP_CMD",
    "RA_DMPR_DM": "RET_DMP_CMD",
    "CHWC_VLV_DM": "CHW_VLV_CMD",
    "SF_SPD_DM": "SF_STS",
    "RF_SPD_DM": "RF_STS",
    "SF_CS": "SF_VFD_CMD",
    "RF_CS": "RF_VFD_CMD",
    "SA_SP": "DUCT_PRES",
    "SA_SPSPT": "DUCT_PRES_SP",
    "ZONE_TEMP_1": "ZN1_T",
    "ZONE_TEMP_5": "ZN5_T",
}
STEP = 5  # minutes


def main(folder: Path, start: str = "2018-01-15", days: int = 5) -> None:
    """Simulates, maps and detects; everything goes into the folder."""
    simulated, exports = folder / "simulated", folder / "exports"
    runs = ",".join(UNITS.values())
    dates = ["--start", start, "--days", str(days)]
    call("simulate", "--output", simulated, "--runs", runs, *dates, "--file_format", "csv")
    exports.mkdir(parents=True, exist_ok=True)
    for unit, run in UNITS.items():
        export(simulated / f"{run}.csv", exports / f"{unit}.csv", unit)
    call("doctor", "--input", exports, "--output", folder / "roles.yaml", status=2)  # nothing fits before it is mapped
    call("detect", "--input", exports, "--roles", folder / "roles.yaml", "--output", folder / "found")


def export(source: Path, target: Path, unit: str) -> None:
    """A unit's file as the building writes it: some of the points, under its names, in C, % and Pa."""
    with source.open(newline="") as read, target.open("w", newline="") as write:
        out = csv.writer(write)
        out.writerow(["Timestamp", *(f"B7_{unit}_{name}" for name in POINTS.values())])
        for number, row in enumerate(csv.DictReader(read)):
            if number % STEP == 0:
                out.writerow([row["Datetime"], *(f"{in_its_unit(name, float(row[name])):.4g}" for name in POINTS)])


def in_its_unit(point: str, value: float) -> float:
    """A reading of the simulator as this building shows it."""
    if "TEMP" in point:
        return (value - 32) / 1.8
    if point.endswith(("_DMPR_DM", "_VLV_DM", "_CS")):
        return 100 * value
    return 249.08891 * value if point.startswith("SA_SP") else value


def call(*words: str | Path, status: int = 0) -> None:
    """Runs the program, and stops if it ends with another status than is expected."""
    command = [sys.executable, str(ROOT / "run.py"), *map(str, words)]
    print("$ python run.py", *map(str, words), flush=True)
    ended = subprocess.run(command, check=False).returncode
    if ended != status:
        sys.exit(f"it ended with {ended}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
