"""What is compared on what: the tables of the leaderboard and their rows.

A table is a data set with a split; a row is a model with its flags. Every row of a table is trained on the same folds
with the same seeds, and its test windows are looked at when its record is made, once.
"""

from dataclasses import dataclass

HOUR = "--sample_period 1min --seq_len 60 --stride 30"
FAN = "AHU: Supply Air Fan Speed Control Signal,AHU: Return Air Fan Speed Control Signal"
STATIC = "AHU: Supply Air Duct Static Pressure"


@dataclass(frozen=True)
class Table:
    """A data set with a split.

    Attributes:
        name: short, for the command line and the records.
        title: for people.
        source: what it is made of: "simulated", "severities", "fleet" or "measured".
        flags: of the data and the split.
        days: of simulated data.
    """

    name: str
    title: str
    source: str
    flags: str
    days: int = 60


@dataclass(frozen=True)
class Row:
    """A contestant.

    Attributes:
        name: as the page shows it.
        flags: what makes it.
        slow: takes more than an hour of a processor, so it is left to a GPU.
        only: the tables that it applies to; all if empty.
    """

    name: str
    flags: str
    slow: bool = False
    only: tuple[str, ...] = ()


TABLES = (
    Table("simulated", "Simulated single-duct unit, 60 days, calendar blocks", "simulated", "--data DualGAF"),
    Table(
        "severities",
        "Simulated single-duct unit, 60 days, severities that training has not met",
        "severities",
        "--data folder --sample_period 5min --split group --group severity --folds all",
    ),
    Table(
        "pairs",
        "MZVAV-2-2, weather pairs held out, windows of an hour",
        "measured",
        f"--data LBNL_MZVAV_2_2 {HOUR} --split group --group weather_pair --folds all",
    ),
    Table(
        "pairs-plain",
        "MZVAV-2-2, the same without fan speeds and static pressure",
        "measured",
        f"--data LBNL_MZVAV_2_2 {HOUR} --split group --group weather_pair --folds all --drop_columns '{FAN},{STATIC}'",
    ),
    *(
        Table(f"last-{name}", f"{title}, the last fifth of each class's time", "measured",
              f"--data {data} {HOUR} --split chronological")
        for name, title, data in (("mzvav", "MZVAV-2-2", "LBNL_MZVAV_2_2"), ("szvav", "SZVAV", "LBNL_SZVAV"),
                                  ("szcav", "SZCAV", "LBNL_SZCAV"))
    ),
    *(
        Table(f"days-{name}", f"{title}, whole days held out", "measured",
              f"--data {data} {HOUR} --split day --folds 5")
        for name, title, data in (("mzvav-2-1", "MZVAV-2-1", "LBNL_MZVAV_2_1"), ("szvav", "SZVAV", "LBNL_SZVAV"),
                                  ("szcav", "SZCAV", "LBNL_SZCAV"))
    ),
    Table(
        "units",
        "Simulated fleet of 40 units, whole units held out",
        "fleet",
        "--data fleet --channels physical --seq_len 24 --split group --group unit --folds 5",
        days=6,
    ),
)  # fmt: skip

ROWS = (
    Row("DualGAFNet", ""),
    Row("chosen by --auto", "--auto"),
    Row("fields alone", "--ablation_mode no_stat"),
    Row("without fields", "--ablation_mode no_fields"),
    Row("random forest", "--model RandomForest"),
    Row("one field", "--model SingleGAFNet"),
    Row("without attention", "--ablation_mode no_attention"),
    Row("fields of each signal", "--encoder gramian"),
    Row("periodic statistics", "--stat_encoder periodic"),
    Row("scaled by range", "--scaling range"),
    Row("published encoder", "--encoder dilated --amp bf16", slow=True),
    Row("OneDCNN", "--model OneDCNN"),
    Row("ResNet1D", "--model ResNet1D"),
    Row("InceptionTime", "--model InceptionTime"),
    Row("gradient boosting", "--model HistGradientBoosting"),
    Row("logistic regression", "--model LogisticRegression"),
    Row("MultiRocketHydra", "--model MultiRocketHydra"),
    Row("Guideline 36", "--model Guideline36", only=("units",)),
)
