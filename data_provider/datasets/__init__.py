"""The data sets, by name."""

from data_provider.datasets.fleet import fleet
from data_provider.datasets.lbnl_measured import SET_POINTS_BLANK, WEATHER_PAIRS, measured
from data_provider.datasets.lbnl_simulated import dual_duct, single_duct
from data_provider.datasets.own_files import csv, folder
from data_provider.datasets.source import DataSet

_single_duct = single_duct()

DATASETS: dict[str, DataSet] = {
    "DualGAF": _single_duct,
    "SAHU": _single_duct,
    "DualGAF_DDAHU": dual_duct(),
    "LBNL_MZVAV_2_1": measured("MZVAV-2-1"),
    "LBNL_MZVAV_2_2": measured("MZVAV-2-2", pairs=WEATHER_PAIRS),
    "LBNL_SZCAV": measured("SZCAV"),
    "LBNL_SZVAV": measured(
        "SZVAV",
        dropped={
            "AHU: Supply Air Temperature Heating Set Point": SET_POINTS_BLANK,
            "AHU: Supply Air Temperature Cooling Set Point": SET_POINTS_BLANK,
        },
    ),
    "fleet": fleet(),
    "folder": folder(),
    "csv": csv(),
}
