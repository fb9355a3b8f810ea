"""One trend file to verdicts: its windows as in training, what the model says about each, and whether it may say so.

Letters: N steps of a file, n windows, C signals, L steps of a window, K classes, P features.
"""

import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import binom

from data_provider import Recipe, Scaler, WindowSet
from data_provider.segments import hold, working_mask
from data_provider.times import step_of, words_of
from data_provider.trends.files import TrendFile
from data_provider.trends.problems import Problem
from data_provider.trends.request import Request
from data_provider.trends.table import Table
from data_provider.trends.trend import Trend, read_trend
from data_provider.unlabelled import unlabelled
from exp.evaluation import calibration
from exp.evaluation.decision import outside
from exp.evaluation.inference import answer, in_batches
from exp.runs.artifact import Artifact
from utils.augment import Augment
from utils.written import written

NORMAL, UNKNOWN, NO_ANSWER = "normal", "unknown", "no answer"
LOOKED_AT = 32  # windows whose readings are held against the training ranges together
SEEN_IN_TRAINING = 0.99  # of training windows had at most as many sensors dropped


class Gap(NamedTuple):
    """A time that could not be judged: (start, end) datetime64[s] and why."""

    start: np.datetime64
    end: np.datetime64
    reason: str


class _Answered(NamedTuple):
    """A batch: (B, K) logits, (B,) novelty scores as written, and (B, C) which sensors were absent."""

    logits: np.ndarray
    scores: np.ndarray
    absent: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A file with verdicts.

    Attributes:
        trend: the file.
        windows: n windows with the C signals, and behind them C marks, 1 where a reading is absent.
        absent: (n, C) bool, sensors that a window was answered without.
        start, end: (n,) datetime64[s] on the trend's own line of time.
        probabilities: (n, K) float64 as written, by `test` too.
        confidence: (n, K) float64 as written, tempered: how often a class so sure of is right.
        named: (n,) number of the class with the largest probability, whatever the verdict.
        strangeness: (n,) share of known windows that look less strange.
        verdict: (n,) str, a class, "normal", "unknown" or "no answer".
        reason: (n,) str, why there is no answer, or what must be said beside it.
        gaps: times without windows.
        refused: why nothing of the file can be judged, "" if something can.
        cautions: lines that a person should read.
    """

    trend: Trend
    windows: WindowSet | None
    absent: np.ndarray
    start: np.ndarray
    end: np.ndarray
    probabilities: np.ndarray
    confidence: np.ndarray
    named: np.ndarray
    strangeness: np.ndarray
    verdict: np.ndarray
    reason: np.ndarray
    gaps: list[Gap]
    refused: str
    cautions: list[str]

    @property
    def file(self) -> str:
        """The file's name."""
        return self.trend.file

    def clock(self, time: np.datetime64) -> str:
        """A time as the file's clock showed it; with its distance from UTC where that is known."""
        place = int(np.clip(np.searchsorted(self.trend.times, time, side="right") - 1, 0, len(self.trend.times) - 1))
        shift = self.trend.clock[place] - self.trend.times[place]
        if not self.trend.utc:
            return str(time + shift)
        minutes = int(shift.astype(np.int64)) // 60
        return f"{time + shift}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


class Detector:
    """A trained model with how to read files for it.

    Args:
        artifact: the model.
        request: how files are read; its columns are the model's, and behind them the column that says when the unit
            works, if training knew one.
        stride: steps between windows.
        unknown_rate: share of known windows that may be called unknown.
        false_alarm_rate: share of sound windows that may be called a fault.
        device: where to compute.
    """

    def __init__(
        self,
        *,
        artifact: Artifact,
        request: Request,
        stride: int,
        unknown_rate: float,
        false_alarm_rate: float,
        device: torch.device,
    ) -> None:
        self.artifact, self.request, self.stride, self.device = artifact, request, stride, device
        self.unknown_rate, self.false_alarm_rate = unknown_rate, false_alarm_rate
        self.model = artifact.model.to(device)
        self.threshold = calibration.threshold(artifact.decision.table, unknown_rate)
        self.signals = len(artifact.info.columns)
        dropped = dict(Augment(spec=artifact.options.augment, seed=0).parts).get("drop_sensor", 0.0)
        self.most_absent = int(binom.ppf(SEEN_IN_TRAINING, self.signals, dropped)) if dropped else 0
        self._recipe, self._scaler = _with_marks(artifact.recipe, artifact.scaler)
        self._answers: dict[bytes, _Answered] = {}

    def read(self, found: TrendFile) -> Judged:
        """Verdicts about a file; one that cannot be judged has a reason and no windows."""
        trend = read_trend(found, self.request)
        if trend.fatal:
            return self._nothing(trend, trend.fatal.reason)
        columns = self.artifact.info.columns
        needed = [problem for problem in trend.problems if problem.kind == "missing" and problem.column in columns]
        if len({problem.column for problem in needed}) > self.most_absent:
            return self._nothing(trend, self._needs(needed))
        table, cautions = self._table(trend)
        windows, _ = unlabelled(table, self._recipe, self._scaler, seq_len=self.artifact.info.seq_len, step=self.stride)
        return self._judge(trend, windows, self._gaps(table, windows), cautions)

    def inputs(self, windows: WindowSet, places: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
        """What the model sees of windows: (n, C, L) in [-1, 1], absent sensors at 0; and (n, C) which those are."""
        both = windows.gather(places).x  # (n, 2 C, L)
        x, absent = both[:, : self.signals].clone(), (both[:, self.signals :] > -1).any(2)
        x[absent] = 0
        return x, absent.numpy()

    def _nothing(self, trend: Trend, reason: str) -> Judged:
        none = np.zeros(0)
        return Judged(
            trend=trend, windows=None, absent=np.zeros((0, self.signals), bool), start=none.astype("datetime64[s]"),
            end=none.astype("datetime64[s]"), probabilities=none, confidence=none, named=none.astype(int),
            strangeness=none, verdict=none.astype(str), reason=none.astype(str), gaps=[], refused=reason, cautions=[],
        )  # fmt: skip

    def _needs(self, needed: list[Problem]) -> str:
        names = list(dict.fromkeys(problem.column for problem in needed))
        if self.most_absent:
            return f"{len(names)} sensors are missing, and the model answers without {self.most_absent} at most: " + (
                ", ".join(names)
            )
        return f"the model needs {', '.join(names)}: {needed[0].reason}"

    def _table(self, trend: Trend) -> tuple[Table, list[str]]:
        """The file's readings, marks of absent ones, and when the unit works."""
        recipe, cautions = self.artifact.recipe, []
        values = trend.values[:, : self.signals]
        marks = np.zeros_like(values)
        if self.most_absent:
            values, _ = hold(trend.times, values, recipe.hold_seconds)
            lost = np.isnan(values)
            middle = (self.artifact.scaler.minimum + self.artifact.scaler.maximum) / 2
            values, marks = np.where(lost, middle, values), lost.astype(np.float32)
        columns, arrays = self._recipe.columns, [values, marks]
        if recipe.working_column:
            if recipe.working_column in trend.missing:
                cautions.append(
                    f"there is no column '{recipe.working_column}', which says when the unit works: it is taken to "
                    "work all the time"
                )
            else:
                columns, arrays = (*columns, recipe.working_column), [*arrays, trend.values[:, self.signals :]]
        joined = np.concatenate(arrays, 1).astype(np.float32)
        return Table(
            name=trend.file, columns=columns, values=joined, times=trend.times, texts={}, missing={}, repaired={}
        ), cautions

    def _gaps(self, table: Table, windows: WindowSet) -> list[Gap]:
        """Times while the unit worked that no window covers: readings are missing, or it stopped too soon."""
        recipe, info, times = self.artifact.recipe, self.artifact.info, table.times
        assert times is not None
        control = table.column(recipe.working_column) if recipe.working_column in table.columns else None
        working = working_mask(times, control, value=recipe.working_value, settle_seconds=recipe.settle_seconds)
        values, _ = hold(times, table.values[:, : self.signals], recipe.hold_seconds)
        lost = np.isnan(values)
        state = np.where(working, np.where(lost.any(1), 1, 2), 0)  # off, unreadable, usable
        late = np.diff(times).astype(np.int64) > max(recipe.hold_seconds, step_of(times))
        edges = np.flatnonzero((np.diff(state) != 0) | late) + 1
        needed = words_of(info.seq_len * info.period_seconds)
        gaps = []
        for first, last in zip(np.append(0, edges), np.append(edges, len(times)), strict=True):
            begin, end = times[first], times[last - 1]
            if state[first] == 1:
                names = [info.columns[place] for place in np.flatnonzero(lost[first:last].any(0))]
                shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
                gaps.append(Gap(begin, end, f"no reading of {shown}"))
            elif state[first] == 2 and not ((windows.start >= begin) & (windows.start <= end)).any():
                ran = words_of(int((end - begin).astype(np.int64)) + step_of(times))
                gaps.append(Gap(begin, end, f"the unit has readings for {ran} here, and a window needs {needed}"))
        return gaps

    def _judge(self, trend: Trend, windows: WindowSet, gaps: list[Gap], cautions: list[str]) -> Judged:
        info, decision = self.artifact.info, self.artifact.decision
        parts = list(self._batches(windows))
        logits = np.concatenate([np.empty((0, len(info.classes))), *(part.logits for part in parts)])
        absent = np.concatenate([np.empty((0, self.signals), bool), *(part.absent for part in parts)])
        scores = np.concatenate([np.empty(0), *(part.scores for part in parts)])
        probabilities, confidence = written(calibration.tempered(logits, 1.0)), decision.confidence(logits)
        named = probabilities.argmax(1)
        verdict = np.array([NORMAL if name == info.normal else name for name in info.classes], object)[named]
        reason = np.array([self._without(row) for row in absent], object)
        for place in np.flatnonzero(decision.doubtful(named, confidence, info, self.false_alarm_rate)).tolist():
            reason[place] = f"not sure: {verdict[place]}, or sound; too many sound windows look like this one"
            verdict[place] = NO_ANSWER
        strange = scores > self.threshold
        verdict[strange], reason[strange] = UNKNOWN, np.array([self._without(row) for row in absent[strange]], object)
        for place, words in self._outside(windows, absent):
            verdict[place], reason[place] = NO_ANSWER, words
        for place in np.flatnonzero(absent.sum(1) > self.most_absent).tolist():
            verdict[place] = NO_ANSWER
            reason[place] = f"{absent[place].sum()} sensors are missing: {self._listed(absent[place])}"
        return Judged(
            trend=trend, windows=windows, absent=absent, start=windows.start, end=windows.end,
            probabilities=probabilities, confidence=confidence, named=named,
            strangeness=calibration.strangeness(decision.table, scores),
            verdict=verdict, reason=reason, gaps=gaps, refused="", cautions=cautions,
        )  # fmt: skip

    def _batches(self, windows: WindowSet) -> Iterator["_Answered"]:
        """Answers batch by batch; of a growing file only what is new is computed."""
        kept: dict[bytes, _Answered] = {}

        def work(places: np.ndarray) -> _Answered:
            x, absent = self.inputs(windows, places)
            if not self.request.growing:
                return self._answer(x, absent)
            key = hashlib.blake2b(x.numpy().tobytes() + absent.tobytes(), digest_size=20).digest()
            kept[key] = self._answers.get(key) or self._answer(x, absent)
            return kept[key]

        yield from in_batches(work, self.model, np.arange(len(windows)), self.device)
        self._answers |= kept

    def _answer(self, x: torch.Tensor, absent: np.ndarray) -> "_Answered":
        logits, features = answer(self.model, x, self.device)
        near = None if features is None else features.numpy()
        return _Answered(logits.numpy(), self.artifact.decision.scores(logits.numpy(), near, x), absent)

    def _outside(self, windows: WindowSet, absent: np.ndarray) -> Iterator[tuple[int, str]]:
        """Windows with readings that training never came near, and which those are."""
        decision, info = self.artifact.decision, self.artifact.info
        for low in range(0, len(windows), LOOKED_AT):
            places = np.arange(low, min(low + LOOKED_AT, len(windows)))
            readings = windows.readings(places)[:, : self.signals]  # (n, C, L)
            beyond = outside(readings, decision.lower, decision.upper)  # (n, C)
            beyond &= ~absent[places]
            for row in np.flatnonzero(beyond.any(1)):
                words = []
                for number in np.flatnonzero(beyond[row])[:3].tolist():
                    values, unit = readings[row, number], info.units[number]
                    least, most = decision.lower[number], decision.upper[number]
                    worst = values[np.maximum(least - values, values - most).argmax()]
                    words.append(
                        f"{info.columns[number]} reads {worst:.4g}{unit and ' ' + unit}, outside the "
                        f"{least:.4g} to {most:.4g} that training covers"
                    )
                more = int(beyond[row].sum()) - len(words)
                yield int(places[row]), "; ".join(words) + (f"; and {more} more" if more else "")

    def _listed(self, absent: np.ndarray) -> str:
        return ", ".join(self.artifact.info.columns[place] for place in np.flatnonzero(absent))

    def _without(self, absent: np.ndarray) -> str:
        return f"answered without {self._listed(absent)}" if absent.any() else ""


def _with_marks(recipe: Recipe, scaler: Scaler) -> tuple[Recipe, Scaler]:
    """The recipe and the scaler for C signals and, behind them, C marks of 0 or 1."""
    names = tuple(f"absent: {name}" for name in recipe.columns)
    zeros, ones = np.zeros(len(names), np.float32), np.ones(len(names), np.float32)
    return (
        dataclasses.replace(recipe, columns=(*recipe.columns, *names)),
        Scaler(minimum=np.append(scaler.minimum, zeros), maximum=np.append(scaler.maximum, ones)),
    )
