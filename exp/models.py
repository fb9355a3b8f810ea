"""The verb `models`: every part that a network can be built from, what it is, its size and its cost."""

from collections.abc import Sequence

from data_provider import DATASETS, load_data
from data_provider.datasets.simulated import holds_data
from data_provider.frames import DataInfo
from data_provider.prepare import REPOSITORY
from exp.training.catalogue import Part, everything
from models import MODELS
from models.build import model_of
from models.summary import count
from utils.errors import unknown_name
from utils.options import Options

# What the published single-duct data has: counted where the line names no data.
SIGNALS, CLASSES = 26, 9
DUAL_DUCT = 97, 29
# The choice that a flag without a value means.
UNSAID = {"loss": "cross_entropy"}


def run(options: Options) -> int:
    """Prints a line a part.

    The figures are those of the whole network that the options choose, with the part in it: parameters, and
    multiply-adds of one window's forward pass.

    Returns:
        0.
    """
    if options.model not in MODELS:
        raise unknown_name("network", options.model, list(MODELS))
    info = _info(options)
    shape = f"{len(info.columns)} signals x {info.seq_len} steps, {len(info.classes)} classes"
    print(f"{options.model} for windows of {shape}; * marks what is chosen now\n")
    rows = [("flag", "choice", "parameters", "multiply-adds", "")]
    rows.append(("", "all as chosen", *_size(options, info), ""))
    for part in everything():
        size = _size(options.replace(**{part.flag: part.name}), info) if part.counted else ("", "")
        rows.append((f"--{part.flag}", _marked(part, options), *size, part.about))
    _print(rows)
    return 0


def _size(options: Options, info: DataInfo) -> tuple[str, str]:
    parameters, multiply_adds = count(model_of(options, info), info.columns, info.seq_len)
    return f"{parameters:,}", shortened(multiply_adds)


def shortened(number: int) -> str:
    """ "11.2 G", "3.46 M", "850"."""
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= limit:
            return f"{number / limit:.3g}{unit}"
    return str(number)


def _marked(part: Part, options: Options) -> str:
    chosen = getattr(options, part.flag) or UNSAID.get(part.flag)
    return f"{part.name} *" if chosen == part.name else part.name


def _print(rows: Sequence[tuple[str, str, str, str, str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for flag, choice, parameters, multiply_adds, about in rows:
        figures = f"{parameters:>{widths[2]}}  {multiply_adds:>{widths[3]}}"
        print(f"{flag:<{widths[0]}}  {choice:<{widths[1]}}  {figures}  {about}".rstrip())


def _info(options: Options) -> DataInfo:
    """Signals and classes of the data that the line names; the published ones where it names none."""
    if options.data not in DATASETS:
        raise unknown_name("data set", options.data, list(DATASETS))
    home = DATASETS[options.data].root
    there = home is not None and holds_data(REPOSITORY / home)
    if options.root_path or ("data" in options.explicit and (there or not DATASETS[options.data].simulated)):
        return load_data(options).info
    signals, classes = DUAL_DUCT if options.data == "DualGAF_DDAHU" else (SIGNALS, CLASSES)
    columns = tuple(f"signal {i}" for i in range(1, signals + 1))
    return DataInfo(
        data=options.data,
        columns=columns,
        units=("",) * signals,
        classes=tuple(f"class {k}" for k in range(1, classes + 1)),
        normal=None,
        period_seconds=0,
        seq_len=options.seq_len,
        step=options.seq_len,
        counts={},
        protocol="",
        leaking=False,
    )
