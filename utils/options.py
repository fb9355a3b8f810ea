"""Every option of the program: one field of the frozen `Options` is one flag of the command line.

A flag's help, group and limits stand beside its default, and nowhere else; `utils/command_line.py` reads them.
"""

import dataclasses
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

VERBS = {
    "train": "prepare the data, train, evaluate the best checkpoint, write a run folder (the default)",
    "test": "evaluate a run folder again: the same numbers, to the digits written",
    "detect": "a run folder and unlabelled trend files: windows.csv, events.csv and report.html",
    "export": "a run's network to ONNX and torch.export, checked against the run before the file is kept",
    "doctor": "what is installed; with --input, whether trend files fit a model, and a first role map",
    "report": "rebuild figures and report.html from a run folder, or --compare several",
    "simulate": "write a labelled data set of a simulated air-handling unit",
    "models": "every part that a network can be built from, its parameters and its multiply-adds",
    "benchmark": "measure: benchmark speed, accumulation, catalogue, or unknown (faults that no training met)",
}

GROUPS = {
    "run": "what to run and where results go",
    "data": "data set, windows and split",
    "model": "the network",
    "loss": "loss function",
    "training": "optimisation",
    "accumulation": "gradient accumulation",
    "files": "where to write",
    "trends": "trend files of a building-automation system",
    "detect": "detecting faults",
    "export": "what to export",
    "simulate": "the simulated air-handling unit",
    "report": "reports",
    "benchmark": "what to measure",
}

GROUPS_OF_VERB = {
    "train": ("run", "data", "model", "loss", "training", "accumulation"),
    "test": ("run", "data", "model", "loss", "training", "accumulation"),
    "detect": ("run", "files", "trends", "detect"),
    "export": ("run", "files", "data", "export"),
    "doctor": ("run", "files", "trends"),
    "report": ("run", "report"),
    "simulate": ("run", "files", "simulate"),
    "models": ("run", "data", "model"),
    "benchmark": ("run", "benchmark"),
}

# Verbs that take a word behind them: the word is the value of this flag.
WORD_OF_VERB = {"benchmark": "measure"}


def flag(
    default: Any,
    group: str,
    text: str,
    *,
    choices: Sequence[str] = (),
    at_least: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Any:
    """A field of `Options` with what its flag needs: group, one line of help, and the values allowed."""
    limits = {"choices": tuple(choices), "at_least": at_least, "above": above, "below": below}
    return dataclasses.field(default=default, metadata={"group": group, "help": text, **limits})


@dataclass(frozen=True)
class Options:
    """Every option, frozen after parsing. `explicit` holds the names that the user gave a value."""

    verb: str = "train"
    explicit: frozenset[str] = frozenset()

    model: str = flag("DualGAFNet", "run", "model by name")
    data: str = flag("DualGAF", "run", "data set by name")
    des: str = flag("default", "run", "description: a tag for the run, part of its folder's path")
    itr: int = flag(1, "run", "how many times to train, each with the next seed", at_least=1)
    seed: int = flag(2021, "run", "seed of split, initial weights, order and noise", at_least=0)
    is_training: int = flag(1, "run", "0: evaluate a finished run instead of training", choices=("0", "1"))
    result_path: str = flag("results", "run", "folder for run folders")
    config: str | None = flag(None, "run", "YAML file of options, as config.yaml of a run folder; the line wins")
    run: str | None = flag(None, "run", "run folder to evaluate or report on (default: the latest of model and data)")
    resume: str | None = flag(None, "run", "run folder or checkpoint to go on from")
    device: str = flag("auto", "run", "auto takes a GPU where there is one", choices=("auto", "cpu", "cuda"))
    disable_parallel: bool = flag(False, "run", "load data in the training process, on one thread of computation")
    num_workers: int = flag(0, "run", "processes that load data beside the training process", at_least=0)

    root_path: str | None = flag(None, "data", "folder or file of the data (default: the data set's place in dataset/)")
    rows: int | None = flag(None, "data", "read only the first N rows of each file, for trials", at_least=1)
    sample_period: str | None = flag(None, "data", "step of the windows, as 5min or 30s (default: the data set's)")
    resample: str = flag("direct", "data", "take every n-th reading, or the mean", choices=("direct", "mean"))
    time_format: str | None = flag(None, "data", "how times are written, as %d.%m.%Y %H:%M (default: ISO 8601)")
    label: str = flag("fault", "data", "what a class is", choices=("fault", "severity", "binary"))
    label_column: str = flag("label", "data", "the column with the class, for --data csv")
    split: str = flag("blocked", "data", "random is the published protocol; it leaks", choices=("blocked", "random"))
    test_size: float = flag(0.2, "data", "share of the test part", above=0, below=1)
    val_size: float = flag(0.2, "data", "share of the validation part", above=0, below=1)
    block_days: int = flag(7, "data", "days of a calendar block of the split", at_least=1)
    seq_len: int = flag(96, "data", "steps of a window", at_least=4)
    step: int | None = flag(None, "data", "steps between windows (default: the data set's)", at_least=1)
    cache_path: str | None = flag(None, "data", "folder for prepared data (default: .cache beside the data)")

    gaf_range: str = flag("train", "model", "scale of a window's image", choices=("train", "window"))
    gaf_backend: str = flag("torch", "model", "pyts is slow: a check", choices=("torch", "pyts"))
    image_size: int = flag(0, "model", "side of the Gramian images by piecewise aggregation, 0: seq_len", at_least=0)
    extractor: str = flag("gramian", "model", "branch of an image: gramian, dilated, large_kernel, ..., timm:NAME")
    feature_dim: int = flag(64, "model", "features of a signal and field", at_least=2)
    fusion: str = flag("adaptive", "model", "how the two fields' features join")
    attention: str = flag("channel", "model", "attention over signals")
    classifier: str = flag("mlp", "model", "the last layers")
    use_statistical_features: bool = flag(True, "model", "a branch of statistics beside the images")
    stat_type: str = flag("basic", "model", "statistics: basic, comprehensive, correlation_focused")
    stat_per: str = flag("signal", "model", "statistics of each signal or the whole window")
    stat_fusion: str = flag("concat", "model", "how statistics join: concat, attention, gated, adaptive, film")
    signal_groups: str = flag("", "model", "groups of signals with their own extractors, as A,B|C,D")
    group_extractors: str = flag("", "model", "extractors of the groups, as gramian|dilated")
    compression_ratio: float = flag(1.0, "model", "signals after compression, as a share", above=0)
    norm: str = flag("group", "model", "normalisation; group keeps accumulation exact", choices=("group", "batch"))
    dropout: float = flag(0.1, "model", "dropout rate", at_least=0, below=1)
    ablation_mode: str = flag("none", "model", "leave out: none, no_diff, no_stat, no_attention, minimal")

    loss_preset: str | None = flag(None, "loss", "settings by name, as hvac_similar_optimized; explicit flags win")
    loss: str | None = flag(None, "loss", "loss by name (default: cross_entropy)")
    label_smoothing: float | None = flag(None, "loss", "share of the target given to all classes", at_least=0, below=1)
    focal_alpha: float | None = flag(None, "loss", "factor of the focal loss", above=0)
    focal_gamma: float | None = flag(None, "loss", "exponent of the focal loss", at_least=0)
    confidence_penalty: float | None = flag(None, "loss", "weight of the entropy term", at_least=0)
    enable_class_weights: bool = flag(False, "loss", "weigh classes by the inverse of their number")
    class_weights: str | None = flag(None, "loss", "weights of the classes, as 1,2,1")

    train_epochs: int = flag(10, "training", "epochs at most", at_least=1)
    batch_size: int = flag(4, "training", "windows of a micro-batch", at_least=1)
    learning_rate: float = flag(1e-3, "training", "learning rate", above=0)
    weight_decay: float = flag(1e-4, "training", "weight decay (not on norms and biases)", at_least=0)
    optimizer: str = flag("radam", "training", "optimizer by name")
    lr_scheduler: str = flag("plateau", "training", "plateau, cosine, linear, multistep or none")
    warmup_epochs: float = flag(0.0, "training", "epochs of rising learning rate", at_least=0)
    scheduler_period: int = flag(1, "training", "optimizer steps between changes of the rate", at_least=1)
    patience: int = flag(10, "training", "epochs without a better validation before training stops", at_least=1)
    select: str = flag(
        "macro_f1", "training", "what validation chooses the kept epoch by", choices=("macro_f1", "accuracy", "loss")
    )
    clip_grad: float = flag(1.0, "training", "largest norm of a step's gradient, 0: no limit", at_least=0)
    augment: str = flag("", "training", "noise on training windows, as jitter:0.02,drop_sensor:0.1")
    mixup: float = flag(0.0, "training", "mixup's alpha, 0: off", at_least=0)
    amp: str = flag("none", "training", "reduced precision", choices=("none", "fp16", "bf16"))
    compile: bool = flag(False, "training", "compile the network (torch.compile); minutes at first, pays on a GPU")
    cuda_graphs: str = flag(
        "auto", "training", "replay steps on a GPU instead of starting their kernels", choices=("auto", "on", "off")
    )
    tracker: str = flag("none", "training", "record the run for tensorboard, mlflow, or both with a comma, offline")
    ema: float = flag(0.0, "training", "decay of averaged weights, 0: off", at_least=0, below=1)

    gradient_accumulation_steps: int = flag(1, "accumulation", "micro-batches of an optimizer step", at_least=1)
    enable_auto_gradient_accumulation: bool = flag(False, "accumulation", "choose the steps from the batch size")
    cross_epoch_accumulation: bool = flag(False, "accumulation", "carry a part-filled window into the next epoch")
    target_batch_size: int | None = flag(None, "accumulation", "windows of an optimizer step, exactly", at_least=1)
    accumulation_schedule: str = flag("", "accumulation", "steps from an epoch on, as 0:4,10:2")
    scale_lr: str = flag(
        "none", "accumulation", "learning rate with the effective batch", choices=("none", "linear", "sqrt")
    )
    bn_statistics: str = flag(
        "micro", "accumulation", "how BatchNorm counts under accumulation", choices=("micro", "spread", "frozen")
    )
    param_dtype: str = flag("fp32", "accumulation", "type of the parameters", choices=("fp32", "bf16"))
    grad_buffer: str = flag("none", "accumulation", "store gradients beside the parameters", choices=("none", "fp32"))
    zero_optimizer: bool = flag(False, "accumulation", "share the optimizer's state among the processes")

    output: str | None = flag(None, "files", "folder to write to (export: RUN/export; simulate: dataset/SAHU)")

    input: str | None = flag(None, "trends", "a trend file, or a folder of them")
    roles: str | None = flag(None, "trends", "YAML file: which of the file's columns is which signal, in what unit")
    vendor: str = flag("iso", "trends", "the style that the files are written in")
    time_zone: str | None = flag(None, "trends", "zone of the files' clock, as Europe/Berlin (default: none is known)")
    max_age: float = flag(60.0, "trends", "minutes that a change of value holds without another", above=0)

    confirm: int = flag(2, "detect", "windows in a row that open an event, and that close it", at_least=1)
    stride: int | None = flag(None, "detect", "steps between windows (default: as in training)", at_least=1)
    unknown_rate: float = flag(
        0.05, "detect", "share of known windows that may be called unknown, 0: none is", at_least=0, below=1
    )
    false_alarm_rate: float = flag(
        0.05, "detect", "share of sound windows that may be called a fault, 1: no limit", above=0
    )
    follow: bool = flag(False, "detect", "keep reading files that grow, until Ctrl-C")
    shard: str = flag("1/1", "detect", "take one part of the files, as 1/8 to 8/8")

    format: str = flag("both", "export", "kind of file", choices=("both", "onnx", "torch"))
    precision: str = flag(
        "fp32", "export", "of the weights; what fewer bits cost is measured", choices=("fp32", "bf16", "int8")
    )

    runs: str = flag("nine", "simulate", "nine (the default data set's), all (21), or names with commas")
    days: int = flag(365, "simulate", "days of a run", at_least=1)
    start: str = flag("2018-01-01", "simulate", "first day, as 2018-01-01")
    file_format: str = flag("parquet", "simulate", "format of the files", choices=("parquet", "csv"))
    weather: str | None = flag(None, "simulate", "an EPW file with a real year's weather")

    compare: tuple[str, ...] = flag((), "report", "run folders to put into one table")

    measure: str = flag(
        "speed",
        "benchmark",
        "also as the word behind the verb",
        choices=("speed", "accumulation", "catalogue", "unknown"),
    )
    quick: bool = flag(False, "benchmark", "fewer repeats and no more than the main figures")
    json: str | None = flag(None, "benchmark", "file to write the figures to")
    write: bool = flag(False, "benchmark", "put the table into docs/ACCUMULATION.md or docs/RESULTS.md")
    compiled: bool = flag(False, "benchmark", "also measure the network compiled (torch.compile)")

    def replace(self, **changes: Any) -> "Options":
        """A copy with some options changed."""
        return dataclasses.replace(self, **changes)

    def plain(self) -> dict[str, Any]:
        """Every option as plain values: what config.yaml holds."""
        values = {f.name: getattr(self, f.name) for f in flags()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def command(self) -> str:
        """The shortest command line that gives these options."""
        words = ["python", "run.py"] + ([self.verb] if self.verb != "train" else [])
        for field in flags():
            value = getattr(self, field.name)
            if value == field.default or field.name == "config":
                continue
            if isinstance(value, bool):
                words.append(f"--{field.name}" if value else f"--no_{field.name}")
            elif isinstance(value, tuple):
                words += [f"--{field.name}", *value]
            else:
                words += [f"--{field.name}", str(value)]
        return shlex.join(words)


def flags() -> list[dataclasses.Field]:
    """The fields of `Options` that are flags, in their order on the help page."""
    return [field for field in dataclasses.fields(Options) if "group" in field.metadata]
