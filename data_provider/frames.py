"""What flows through data preparation: frames of measurements, then batches of windows.

Letters: T time steps of a frame, C signals, B windows of a batch, L steps of a window.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class Frame:
    """One run of one unit under one label: a file, or a day of a file whose days differ.

    Attributes:
        name: what the logs call it, for example the file's stem or "MZVAV-2-2 2008-05-06".
        values: (T, C) float32, NaN where a reading is missing.
        times: (T,) datetime64[s], strictly increasing.
        columns: C names of signals.
        working: (T,) bool, True while the unit is occupied and so may be evaluated.
        label: the class.
        severity: the fault's intensity as published, "" if none is.
        group: frames of the same group go to the same part of a split; "" for no such bond.
    """

    name: str
    values: np.ndarray
    times: np.ndarray
    columns: tuple[str, ...]
    working: np.ndarray
    label: str
    severity: str = ""
    group: str = ""


class Batch(NamedTuple):
    """What a loader yields, always.

    Attributes:
        x: (B, C, L) float32, scaled to [-1, 1] by the training part.
        y: (B,) int64 class numbers.
        index: (B,) int64 rows of the window table, to find file and time again.
        missing: (B, C) bool, signals that lack a reading in the window and are 0 in `x`; None if every reading is
            there, as in training.
    """

    x: Tensor
    y: Tensor
    index: Tensor  # type: ignore[assignment]  # hides tuple.index, which nobody calls here
    missing: Tensor | None = None


@dataclass(frozen=True)
class DataInfo:
    """Facts found in the data, which no flag can know before it is read.

    Attributes:
        data: the data set's registry name.
        columns: C signal names, in the order of `Batch.x`.
        units: C units, "" where unknown.
        classes: K class names; a class's number is its place.
        normal: the class that means no fault, None if the set has none.
        period_seconds: seconds between two steps of a window.
        seq_len: L.
        step: steps between the starts of two windows.
        counts: part -> windows a class, K numbers each ("train", "val", "test").
        protocol: the split in words, for tables; it says so where the protocol leaks.
        leaking: True if windows of one segment may lie in two parts.
        report: what was read, dropped and why; plain values that go to metrics.json as they are.
        marks: names of the checks for leaks whose findings stay on every number.
    """

    data: str
    columns: tuple[str, ...]
    units: tuple[str, ...]
    classes: tuple[str, ...]
    normal: str | None
    period_seconds: int
    seq_len: int
    step: int
    counts: dict[str, tuple[int, ...]]
    protocol: str
    leaking: bool
    report: dict[str, object] = field(default_factory=dict)
    marks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All facts as plain values for JSON; of the report only whether the data is simulated."""
        return {
            "data": self.data,
            "columns": list(self.columns),
            "units": list(self.units),
            "classes": list(self.classes),
            "normal": self.normal,
            "period_seconds": self.period_seconds,
            "seq_len": self.seq_len,
            "step": self.step,
            "protocol": self.protocol,
            "leaking": self.leaking,
            "counts": {part: list(numbers) for part, numbers in self.counts.items()},
            **({"marks": list(self.marks)} if self.marks else {}),
            **({"simulated": True} if self.report.get("simulated") else {}),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "DataInfo":
        """The facts of `to_dict`; other keys are ignored."""
        stored = {"marks": (), **stored}  # earlier versions knew none
        facts = {item.name: stored[item.name] for item in fields(cls) if item.name != "report"}
        facts |= {name: tuple(stored[name]) for name in ("columns", "units", "classes", "marks")}
        facts["report"] = {"simulated": True} if stored.get("simulated") else {}
        return cls(**{**facts, "counts": {part: tuple(numbers) for part, numbers in stored["counts"].items()}})
