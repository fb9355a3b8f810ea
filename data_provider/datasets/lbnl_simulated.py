"""The LBNL single-duct and dual-duct units: one fault a file, a year of one-minute rows each.

Granderson et al., Scientific Data 2023, doi 10.1038/s41597-023-02197-w.
Letters: T readings, C signals.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from data_provider.datasets.source import DataSet, Source
from data_provider.frames import Frame
from data_provider.notes import Notes
from data_provider.segmentation import working_mask
from data_provider.simulator.kinds import DUAL, SINGLE
from data_provider.trends.files import ENDINGS, stem_of
from data_provider.trends.table import column_names, read_table
from utils.errors import UserError

CONTROL = "SYS_CTL"
SETTLE_SECONDS = 120

SINGLE_DUCT = (
    "AHU_annual", "coi_bias_-4", "coi_bias_4", "oa_bias_4", "coi_leakage_010", "coi_stuck_025", "coi_stuck_075",
    "damper_stuck_025", "damper_stuck_075",
)  # fmt: skip
SINGLE_DUCT_SIGNALS = (
    "SA_TEMP", "OA_TEMP", "MA_TEMP", "RA_TEMP", "ZONE_TEMP_1", "ZONE_TEMP_2", "ZONE_TEMP_3", "ZONE_TEMP_4",
    "ZONE_TEMP_5", "OA_CFM", "RA_CFM", "SA_CFM", "SA_SP", "SA_SPSPT", "SF_WAT", "RF_WAT", "SF_SPD", "SF_CS", "RF_SPD",
    "RF_CS", "CHWC_VLV", "CHWC_VLV_DM", "OA_DMPR", "OA_DMPR_DM", "RA_DMPR", "RA_DMPR_DM",
)  # fmt: skip
SINGLE_DUCT_DROPPED = {
    "SA_TEMPSPT": "a set point, not among the published 26 signals",
    "SF_SPD_DM": "the fan's on and off, not among the published 26 signals",
    "RF_SPD_DM": "the fan's on and off, not among the published 26 signals",
}

DUAL_DUCT = (
    *(f"DMPRStuck_{duct}_{at}" for duct in ("Cold", "Hot") for at in (0, 50, 100)),
    *(f"DMPRStuck_OA_{at}" for at in (0, 45, 100)),
    *(
        f"Fouling_{coil}_{side}_{much}"
        for coil in ("Cooling", "Heating")
        for side in ("Airside", "Waterside")
        for much in ("Moderate", "Severe")
    ),
    *(f"VLVStuck_{coil}_{at}%" for coil in ("Cooling", "Heating") for at in (0, 50, 100)),
    "SensorBias_CSA_+4C", "SensorBias_CSP_+4inwg", "SensorBias_HSA_+4C", "SensorBias_HSP_+4inwg",
    "CoolSeqUnstable", "HeatSeqUnstable",
)  # fmt: skip


def single_duct() -> DataSet:
    """Nine classes, 26 signals: the published choice."""
    return DataSet(
        files=_finder(SINGLE_DUCT, ("{}_annual", "{}")),
        read=_reader(SINGLE_DUCT, ("{}_annual", "{}"), _single_duct_columns),
        root="dataset/SAHU",
        simulated=SINGLE,
        period_seconds=300,
        steps=lambda seq_len: seq_len,
        strategy="calendar",
        classes=SINGLE_DUCT,
        normal="AHU_annual",
        keep_constant=True,
        unit_of=unit_of,
        origin="a single-duct unit that LBNL simulated",
    )


def dual_duct() -> DataSet:
    """29 classes, none of them without fault. Set points and constant columns are dropped."""
    return DataSet(
        files=_finder(DUAL_DUCT, ("DualDuct_{}",)),
        read=_reader(DUAL_DUCT, ("DualDuct_{}",), _dual_duct_columns),
        root="dataset/DDAHU",
        simulated=DUAL,
        period_seconds=300,
        steps=lambda seq_len: seq_len,
        strategy="calendar",
        classes=DUAL_DUCT,
        unit_of=unit_of,
        origin="a dual-duct unit that LBNL simulated",
    )


def unit_of(column: str) -> str:
    """The unit of a point, by the pieces of its name."""
    pieces = column.upper().split("_")
    for piece, unit in (("TEMP", "F"), ("TEMPSPT", "F"), ("CFM", "CFM"), ("WAT", "W"), ("SP", "in. w.g."),
                        ("SPSPT", "in. w.g.")):  # fmt: skip
        if piece in pieces:
            return unit
    return ""


def _single_duct_columns(names: list[str], notes: Notes) -> tuple[str, ...]:
    for column, reason in SINGLE_DUCT_DROPPED.items():
        notes.drop(column, reason)
    return SINGLE_DUCT_SIGNALS


def _dual_duct_columns(names: list[str], notes: Notes) -> tuple[str, ...]:
    for name in names:
        if name.upper().endswith("SPT"):
            notes.drop(name, "a set point")
    return tuple(name for name in names if name not in notes.dropped)


def find(root: Path, name: str, patterns: tuple[str, ...]) -> Path | None:
    """The file of a run: Parquet before CSV, the first pattern before the next."""
    for suffix in reversed(ENDINGS):
        for pattern in patterns:
            stem = name if name.endswith("_annual") else pattern.format(name)
            if (root / f"{stem}{suffix}").is_file():
                return root / f"{stem}{suffix}"
    return None


def _finder(classes: tuple[str, ...], patterns: tuple[str, ...]) -> Callable[[Source], list[Path]]:
    def files(source: Source) -> list[Path]:
        found = {name: find(source.root, name, patterns) for name in classes}
        absent = [name for name, path in found.items() if path is None]
        if absent:
            first = patterns[0].format(absent[0].removesuffix("_annual"))
            rest = f" and {len(absent) - 1} more of the {len(classes)} runs" if len(absent) > 1 else ""
            raise UserError(f"{source.root}: {first}.csv (or .parquet){rest} is missing; docs/DATA.md lists the files")
        return [path for path in found.values() if path is not None]

    return files


def _reader(
    classes: tuple[str, ...], patterns: tuple[str, ...], choose: Callable[[list[str], Notes], tuple[str, ...]]
) -> Callable[[Source, Notes], Iterator[Frame]]:
    files = _finder(classes, patterns)

    def read(source: Source, notes: Notes) -> Iterator[Frame]:
        for label, path in zip(classes, files(source), strict=True):
            notes.works_by(CONTROL, settle_seconds=SETTLE_SECONDS)
            reading = source.reading
            signals = choose(column_names(path, reading), notes)
            table = read_table(path, reading, rows=source.rows, columns=(*signals, CONTROL), unit_of=unit_of)
            notes.read(table)
            if table.times is None:
                raise UserError(f"{path}: the column Datetime is missing")
            yield Frame(
                name=stem_of(path),
                values=table.values[:, :-1],
                times=table.times,
                columns=signals,
                working=working_mask(table.times, table.column(CONTROL), value=1, settle_seconds=SETTLE_SECONDS),
                label=label,
            )

    return read
