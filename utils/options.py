"""Every option of the program: one field of the frozen `Options` is one flag of the command line.

`utils/option_sections.py` declares them, and `utils/command_line.py` reads them.
"""

import dataclasses
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from utils.option_sections import (
    AccumulationOptions,
    BenchmarkOptions,
    DataOptions,
    DetectOptions,
    ExportOptions,
    FeedbackOptions,
    FileOptions,
    LossOptions,
    ModelSettings,
    ReadingOptions,
    ReportOptions,
    RunOptions,
    ServeOptions,
    SimulateOptions,
    TrainingOptions,
    TrendOptions,
    VerdictOptions,
    WindowOptions,
)
from utils.tool_sections import CompletionOptions, TuneOptions

__all__ = ["GROUPS", "ModelSettings", "Options", "flags"]

# The groups of flags on the help pages: their titles and sections.
GROUPS: dict[str, tuple[str, type]] = {
    "run": ("what to run and where results go", RunOptions),
    "data": ("data set, windows and split", DataOptions),
    "windows": ("where windows start", WindowOptions),
    "model": ("the network", ModelSettings),
    "loss": ("loss function", LossOptions),
    "training": ("optimisation", TrainingOptions),
    "accumulation": ("gradient accumulation", AccumulationOptions),
    "files": ("where to write", FileOptions),
    "reading": ("how trend files are written", ReadingOptions),
    "trends": ("trend files to evaluate", TrendOptions),
    "detect": ("detecting faults", DetectOptions),
    "feedback": ("what was right", FeedbackOptions),
    "verdict": ("when a window is unknown, and when a fault is named", VerdictOptions),
    "serve": ("the web app", ServeOptions),
    "export": ("what to export", ExportOptions),
    "simulate": ("the simulated air-handling unit", SimulateOptions),
    "report": ("reports", ReportOptions),
    "benchmark": ("what to measure", BenchmarkOptions),
    "tune": ("what to search", TuneOptions),
    "completion": ("what to complete", CompletionOptions),
}


# Dataclasses collect the fields of their bases from the last to the first.
@dataclass(frozen=True)
class Options(
    CompletionOptions,
    TuneOptions,
    BenchmarkOptions,
    ReportOptions,
    SimulateOptions,
    ExportOptions,
    ServeOptions,
    VerdictOptions,
    FeedbackOptions,
    DetectOptions,
    TrendOptions,
    ReadingOptions,
    FileOptions,
    AccumulationOptions,
    TrainingOptions,
    LossOptions,
    ModelSettings,
    WindowOptions,
    DataOptions,
    RunOptions,
):
    """Every option, frozen after parsing. `explicit` holds the names that the user gave a value."""

    verb: str = "train"
    explicit: frozenset[str] = frozenset()

    def replace(self, **changes: Any) -> "Options":
        """A copy with some options changed."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Every option as plain values: what config.yaml holds."""
        values = {f.name: getattr(self, f.name) for f in flags()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def command(self, always: Collection[str] = ()) -> str:
        """The shortest command line that gives these options; those of `always` are named at their default too."""
        words = ["python", "run.py"] + ([self.verb] if self.verb != "train" else [])
        for field in flags():
            value = getattr(self, field.name)
            if field.name == "config" or (value == field.default and field.name not in always):
                continue
            if isinstance(value, bool):
                words.append(f"--{field.name}" if value else f"--no_{field.name}")
            else:
                words += [f"--{field.name}", *(value if isinstance(value, tuple) else [str(value)])]
        return shlex.join(words)


def flags(*groups: str) -> list[dataclasses.Field]:
    """The options of some groups, of all by default, in their order on the help page."""
    return [field for group in groups or GROUPS for field in dataclasses.fields(GROUPS[group][1])]
