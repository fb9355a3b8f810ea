"""The options in sections; a flag's help and limits stand beside its default, and nowhere else."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LARGEST = 2**31 - 1  # of whole numbers, where a flag names no limit of its own
LARGEST_SEED = 2**32 - 1  # NumPy takes no larger one


def flag(
    default: Any,
    text: str,
    *,
    choices: Sequence[str] = (),
    metavar: str | None = None,
    at_least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> Any:
    """An option with what its flag needs: one line of help, the values allowed, and a word for them."""
    if at_most is None and not isinstance(default, float):
        at_most = LARGEST  # of whole numbers; words are not compared
    limits = {"choices": tuple(choices), "at_least": at_least, "above": above, "below": below, "at_most": at_most}
    return dataclasses.field(default=default, metadata={"help": text, "metavar": metavar, **limits})


@dataclass(frozen=True)
class RunOptions:
    """What to run and where results go."""

    model: str = flag("DualGAFNet", "model by name")
    data: str = flag("DualGAF", "data set by name")
    auto: bool = flag(False, "train: choose window, model and settings on validation; other flags of the line stand")
    des: str = flag("default", "description: a tag for the run, part of its folder's path")
    itr: int = flag(1, "how many times to train, each with the next seed", at_least=1, at_most=1_000_000)
    seed: int = flag(2021, "seed of split, initial weights, order and noise", at_least=0, at_most=LARGEST_SEED)
    is_training: int = flag(1, "0: evaluate a finished run instead of training", choices=("0", "1"))
    result_path: str = flag("results", "folder for run folders")
    config: str | None = flag(None, "YAML file of options, as config.yaml of a run folder; the line wins")
    run: str | None = flag(None, "run folder to evaluate or report on (default: the latest of model and data)")
    resume: str | None = flag(None, "run folder or checkpoint to go on from")
    device: str = flag("auto", "auto takes a GPU where there is one", choices=("auto", "cpu", "cuda"))
    disable_parallel: bool = flag(False, "load data in the training process, on one thread of computation")
    num_workers: int = flag(0, "processes that load data beside the training process", at_least=0, at_most=1024)


@dataclass(frozen=True)
class DataOptions:
    """Data set, windows and split."""

    root_path: str | None = flag(None, "folder or file of the data (default: the data set's place in dataset/)")
    rows: int | None = flag(None, "read only the first N rows of each file, for trials", at_least=1)
    sample_period: str | None = flag(None, "step of the windows, as 5min or 30s (default: the data set's)")
    channels: str = flag("raw", "points as they are, or what they say of each other", choices=("raw", "physical"))
    scaling: str = flag("quantile", "what fills the range: extremes, or quantiles", choices=("quantile", "range"))
    resample: str = flag("direct", "take every n-th reading, or the mean", choices=("direct", "mean"))
    label: str = flag("fault", "what a class is", choices=("fault", "severity", "binary"))
    label_column: str = flag("label", "the column with the class, for --data csv")
    split: str = flag(
        "blocked",
        "what parts are made of; random is the published protocol, which leaks",
        choices=("blocked", "random", "day", "chronological", "group"),
    )
    group: str | None = flag(None, "for --split group: weather_pair, day, run, unit, severity, a column, FILE.yaml")
    folds: str | None = flag(None, "test every fold in turn: all, 5 of them, or one as 2/5")
    split_seed: int | None = flag(
        None, "seed of the split (default: --seed, with --folds the first)", at_least=0, at_most=LARGEST_SEED
    )
    test_size: float = flag(0.2, "share of the test part", above=0, below=1)
    val_size: float = flag(0.2, "share of the validation part", above=0, below=1)
    block_days: int | None = flag(
        None, "days of a calendar block of the split (default: 7 at most)", at_least=1, at_most=36_525
    )
    seq_len: int = flag(96, "steps of a window", at_least=4)
    drop_columns: str | None = flag(None, "signals to leave out of everything, as A,B")
    accept_leaks: str | None = flag(None, "train although these checks for leaks fail: names with commas, or all")
    cache_path: str | None = flag(None, "folder for prepared data (default: the user's cache folder)")


@dataclass(frozen=True)
class WindowOptions:
    """Where windows start."""

    stride: int | None = flag(None, "steps between windows (default: the data set's, or as in training)", at_least=1)


@dataclass(frozen=True)
class ModelSettings:
    """The network."""

    gaf_range: str = flag("train", "scale of a window's image", choices=("train", "window"))
    gaf_backend: str = flag("torch", "pyts is slow: a check", choices=("torch", "pyts"))
    image_size: int = flag(
        0, "side of the Gramian images by piecewise aggregation, 0: seq_len", at_least=0, at_most=65_536
    )
    encoder: str = flag("between", "branch of an image: between, gramian, dilated, ..., timm:NAME")
    feature_dim: int = flag(64, "features of a signal and field", at_least=2, at_most=65_536)
    fusion: str = flag("concat", "how the two fields' features join")
    attention: str = flag("channel", "attention over signals")
    classifier: str = flag("mlp", "the last layers")
    use_statistical_features: bool = flag(True, "a branch of statistics beside the images")
    stat_type: str = flag("slopes", "statistics: slopes, basic, comprehensive, correlation_focused")
    stat_encoder: str = flag("piecewise", "how statistics become features: piecewise, periodic")
    stat_per: str = flag("signal", "statistics of each signal or the whole window")
    stat_fusion: str = flag("concat", "how statistics join: concat, attention, gated, adaptive, film")
    signal_groups: str = flag("", "groups of signals with their own encoders, as A,B|C,D")
    group_encoders: str = flag("", "encoders of the groups, as gramian|dilated")
    compression_ratio: float = flag(1.0, "signals after compression, as a share", above=0)
    norm: str = flag("group", "normalisation; group keeps accumulation exact", choices=("group", "batch"))
    dropout: float = flag(0.1, "dropout rate", at_least=0, below=1)
    ablation_mode: str = flag("none", "leave out: none, no_diff, no_stat, no_fields, no_attention, minimal")


@dataclass(frozen=True)
class LossOptions:
    """Loss function."""

    loss_preset: str | None = flag(None, "settings by name, as hvac_similar_optimized; explicit flags win")
    loss: str | None = flag(None, "loss by name (default: cross_entropy)")
    label_smoothing: float | None = flag(None, "share of the target given to all classes", at_least=0, below=1)
    focal_alpha: float | None = flag(None, "factor of the focal loss", above=0)
    focal_gamma: float | None = flag(None, "exponent of the focal loss", at_least=0)
    confidence_penalty: float | None = flag(None, "weight of the entropy term", at_least=0)
    enable_class_weights: bool = flag(False, "weigh classes by the inverse of their number")
    class_weights: str | None = flag(None, "weights of the classes, as 1,2,1")


@dataclass(frozen=True)
class TrainingOptions:
    """Optimisation."""

    like: str | None = flag(None, "simulated data with the points that these trend files have, at their step")
    init: str | None = flag(None, "start from a model's weights: base, or a run folder (default: random)")
    train_epochs: int = flag(30, "epochs at most", at_least=1)
    batch_size: int = flag(4, "windows of a micro-batch", at_least=1)
    learning_rate: float = flag(1e-3, "learning rate", above=0)
    weight_decay: float = flag(1e-4, "weight decay (not on norms and biases)", at_least=0)
    optimizer: str = flag("radam", "optimizer by name")
    lr_scheduler: str = flag("plateau", "plateau, cosine, linear, multistep or none")
    warmup_epochs: float = flag(0.0, "epochs of rising learning rate", at_least=0)
    scheduler_period: int = flag(1, "optimizer steps between changes of the rate", at_least=1)
    patience: int = flag(10, "epochs without a better validation before training stops", at_least=1)
    select: str = flag(
        "macro_f1", "what validation chooses the kept epoch by", choices=("macro_f1", "accuracy", "loss")
    )
    clip_grad: float = flag(1.0, "largest norm of a step's gradient, 0: no limit", at_least=0)
    augment: str = flag("", "noise on training windows, as jitter:0.02,drop_sensor:0.1")
    mixup: float = flag(0.0, "mixup's alpha, 0: off", at_least=0)
    amp: str = flag("none", "reduced precision", choices=("none", "fp16", "bf16"))
    compile: bool = flag(False, "compile the network (torch.compile); minutes at first, pays on a GPU")
    cuda_graphs: str = flag(
        "auto", "replay steps on a GPU instead of starting their kernels", choices=("auto", "on", "off")
    )
    checkpoint_minutes: float = flag(5.0, "minutes between checkpoints within an epoch, 0: none", at_least=0)
    max_bad_steps: int = flag(10, "steps in a row without a finite loss and gradient before it stops", at_least=1)
    tracker: str = flag("none", "record the run for tensorboard, mlflow, or both with a comma, offline")
    ema: float = flag(0.0, "decay of averaged weights, 0: off", at_least=0, below=1)


@dataclass(frozen=True)
class AccumulationOptions:
    """Gradient accumulation."""

    gradient_accumulation_steps: int = flag(1, "micro-batches of an optimizer step", at_least=1)
    enable_auto_gradient_accumulation: bool = flag(False, "choose the steps from the batch size")
    cross_epoch_accumulation: bool = flag(False, "carry a part-filled window into the next epoch")
    target_batch_size: int | None = flag(None, "windows of an optimizer step, exactly", at_least=1)
    accumulation_schedule: str = flag("", "steps from an epoch on, as 0:4,10:2")
    scale_lr: str = flag("none", "learning rate with the effective batch", choices=("none", "linear", "sqrt"))
    bn_statistics: str = flag("micro", "how BatchNorm counts under accumulation", choices=("micro", "spread", "frozen"))
    param_dtype: str = flag("fp32", "type of the parameters", choices=("fp32", "bf16"))
    grad_buffer: str = flag("none", "store gradients beside the parameters", choices=("none", "fp32"))
    zero_optimizer: bool = flag(False, "share the optimizer's state among the processes")


@dataclass(frozen=True)
class FileOptions:
    """Where to write."""

    output: str | None = flag(None, "where to write (export: RUN/export; simulate: dataset/SAHU; doctor: roles.yaml)")


@dataclass(frozen=True)
class ReadingOptions:
    """How trend files are written."""

    roles: str | None = flag(None, "YAML file: which of the file's columns is which signal, in what unit")
    vendor: str = flag("auto", "the style that the files are written in (default: what each file shows)")
    separator: str | None = flag(
        None, "between columns (default: what each file shows)", choices=("comma", "semicolon", "tab", "bar")
    )
    decimal: str | None = flag(
        None, "between whole and part of a number (default: what each file shows)", choices=("comma", "point")
    )
    sheet: str | None = flag(None, "the sheet of Excel workbooks (default: the first)")
    time_zone: str | None = flag(None, "zone of the files' clock, as Europe/Berlin (default: none is known)")
    time_format: str | None = flag(None, "how times are written, as %d.%m.%Y %H:%M (default: what each file shows)")
    max_age: float = flag(60.0, "minutes that a change of value holds without another", above=0, at_most=5e6)


@dataclass(frozen=True)
class TrendOptions:
    """Trend files to evaluate."""

    input: str | None = flag(None, "a trend file, a folder of them, or a database, as sqlite:///trends.db")
    table: str | None = flag(None, "the table or view of the database to read")
    query: str | None = flag(None, "the query to read from the database, instead of a table")
    unit_from: str = flag(
        "auto",
        "which files are a unit (auto: files that only differ by date, part or point)",
        choices=("auto", "file", "folder", "prefix"),
    )


@dataclass(frozen=True)
class DetectOptions:
    """Detecting faults."""

    confirm: int = flag(2, "windows in a row that open an event, and that close it", at_least=1)
    hold_hours: float = flag(
        48.0, "hours of operation that may speak against a fault within one event", at_least=0, at_most=1e6
    )
    follow: bool = flag(False, "keep reading files that grow, until Ctrl-C")
    shard: str = flag("1/1", "take one part of the files, as 1/8 to 8/8")


@dataclass(frozen=True)
class FeedbackOptions:
    """What people said of events."""

    events: str | None = flag(None, "the events.csv of a detect, its column 'right' filled with yes or no")


@dataclass(frozen=True)
class VerdictOptions:
    """When a window is unknown, and when a fault is named."""

    unknown_rate: float = flag(0.05, "share of known windows that may be called unknown, 0: none", at_least=0, below=1)
    false_alarm_rate: float = flag(0.05, "share of fault-free windows that may be called a fault, 1: no limit", above=0)


@dataclass(frozen=True)
class ServeOptions:
    """The web app."""

    port: int = flag(8765, "port of the web app, 0: any that is free", at_least=0, at_most=65535)
    host: str = flag("127.0.0.1", "address to listen at; 0.0.0.0 opens it to the network, without a login")


@dataclass(frozen=True)
class ExportOptions:
    """What to export."""

    format: str = flag("both", "kind of file", choices=("both", "onnx", "torch"))
    precision: str = flag("fp32", "of the weights; what fewer bits cost is measured", choices=("fp32", "bf16", "int8"))


@dataclass(frozen=True)
class SimulateOptions:
    """The simulated air-handling unit."""

    runs: str = flag("nine", "nine (of the data set; dual duct: 29), all (21; 56), or names with commas")
    fleet: int | None = flag(
        None, "units of a fleet drawn at random, instead of the one unit's runs", at_least=1, at_most=1_000_000
    )
    days: int = flag(365, "days of a run (of a unit of a fleet: 30)", at_least=1, at_most=36_525)
    start: str = flag("2018-01-01", "first day, as 2018-01-01")
    file_format: str = flag("parquet", "format of the files", choices=("parquet", "csv"))
    weather: str | None = flag(None, "an EPW file with a real year's weather")
    unit: str = flag("single_duct", "kind of unit", choices=("single_duct", "dual_duct"))


@dataclass(frozen=True)
class ReportOptions:
    """Reports."""

    compare: tuple[str, ...] = flag((), "run folders to put into one table, in --output or --result_path")
    ablation: tuple[str, ...] = flag((), "tags of --des, as 'ablation_*': a table with a row a tag", metavar="TAG")
    baseline: str | None = flag(None, "run folder or --des that the others are compared with (default: the first)")


@dataclass(frozen=True)
class BenchmarkOptions:
    """What to measure."""

    measure: str = flag(
        "speed",
        "also as the word behind the verb",
        choices=("speed", "accumulation", "catalogue", "unknown"),
    )
    quick: bool = flag(False, "fewer repeats and no more than the main figures")
    json: str | None = flag(None, "file to write the figures to")
    write: bool = flag(False, "put the table into docs/ACCUMULATION.md or docs/RESULTS.md")
    compiled: bool = flag(False, "also measure the network compiled (torch.compile)")
