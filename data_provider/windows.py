"""Windows of a part: an index into one array of readings, scaled when they are taken out.

Letters: n windows of a part, B of a batch, C signals, L steps of a window, N rows of the array.
"""

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from data_provider.frames import Batch
from data_provider.scaler import Scaler
from data_provider.segments import Segments
from data_provider.splits.split import Windows


class WindowSet(Dataset):
    """The windows of a part.

    Attributes:
        targets: (n,) int64 class numbers, -1 where nobody knows.
        file: (n,) str, the run that each window was cut from.
        start: (n,) datetime64[s], time of the first step.
        end: (n,) datetime64[s], time of the last step.
        block: (n,) int64, windows of one calendar block of one run, or of a day, share a number.
        severity: (n,) str, "" where the run has none.
    """

    def __init__(
        self, *, segments: Segments, windows: Windows, targets: np.ndarray, scaler: Scaler, seq_len: int
    ) -> None:
        self.targets = np.asarray(targets, np.int64)
        self.file = np.array([run.name for run in segments.runs])[windows.run]
        self.severity = np.array([run.severity for run in segments.runs])[windows.run]
        self.start = windows.start
        self.end = windows.start + np.timedelta64((seq_len - 1) * segments.recipe.period_seconds, "s")
        self.block = windows.block
        self._first = windows.first
        self._scaler = scaler
        self._seq_len = seq_len
        self._missing = segments.missing
        self._map(segments.values)

    def _map(self, values: np.ndarray) -> None:
        if len(values) < self._seq_len:  # no window fits, and numpy makes no view then
            values = np.zeros((self._seq_len, values.shape[1]), np.float32)
            self._missing = None if self._missing is None else np.zeros(values.shape, bool)
        self._values = values
        self._views = self._cut(values)
        self._low = self._scaler.begin[:, None]  # (C, 1)
        self._factor = self._scaler.factor[:, None]
        self._shift = self._scaler.shift[:, None]

    def _cut(self, rows: np.ndarray) -> np.ndarray:
        """(N, C) to (N - L + 1, C, L), a view."""
        return np.lib.stride_tricks.sliding_window_view(rows, self._seq_len, axis=0)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Batch:
        """A batch of one."""
        return self.gather(np.array([index]))

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The windows of a batch; a loader takes this as it is (collate_fn: identity)."""
        return self.gather(np.asarray(indices, np.int64))

    def digests(self) -> tuple[str, str]:
        """The SHA-256 of all readings that windows may be cut from, and of the windows: places, classes and scaling."""
        readings, windows = hashlib.sha256(), hashlib.sha256()
        readings.update(np.ascontiguousarray(self._values).data)
        if self._missing is not None:
            readings.update(np.ascontiguousarray(self._missing).data)
        for part in (self._first, self.targets, self.start.astype(np.int64), self._low, self._factor, self._shift):
            windows.update(np.ascontiguousarray(part).data)
        windows.update("\n".join(self.file).encode())
        return readings.hexdigest(), windows.hexdigest()

    def readings(self, indices: np.ndarray) -> np.ndarray:
        """(B, C, L) float32 as measured, in the units of the files."""
        return self._views[self._first[indices]]

    def missing(self, indices: np.ndarray) -> np.ndarray | None:
        """(B, C) bool, the signals that lack a reading in a window; None if every reading of the part is there."""
        return None if self._missing is None else self._cut(self._missing)[self._first[indices]].any(2)

    def gather(self, indices: np.ndarray) -> Batch:
        """The windows at some places of the part, scaled into [-1, 1], signals that are missing at 0."""
        x = np.empty((len(indices), *self._views.shape[1:]), np.float32)  # (B, C, L), one after the other in memory
        np.subtract(self.readings(indices), self._low, out=x)
        x *= self._factor
        x += self._shift
        self._scaler.bound(x)
        missing = self.missing(indices)
        if missing is not None:
            x[missing] = 0
        mask = None if missing is None else torch.from_numpy(missing)
        return Batch(torch.from_numpy(x), torch.from_numpy(self.targets[indices]), torch.from_numpy(indices), mask)

    def chosen(self, places: np.ndarray, *, targets: np.ndarray, scaler: Scaler) -> "WindowSet":
        """The windows at some places, as a part of their own with targets and a scaler of their own."""
        part = copy.copy(self)
        part.targets, part._scaler = np.asarray(targets, np.int64), scaler
        for name in ("file", "severity", "start", "end", "block", "_first"):
            setattr(part, name, getattr(self, name)[places])
        part._map(self._values)
        return part

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs; an array mapped from a file is opened again there, not copied."""
        state = {name: value for name, value in vars(self).items() if name not in {"_views", "_values"}}
        values = self._values
        state["_stored"] = Path(str(values.filename)) if isinstance(values, np.memmap) else values
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        stored = state.pop("_stored")
        vars(self).update(state)
        self._map(np.load(stored, mmap_mode="r", allow_pickle=False) if isinstance(stored, Path) else stored)
