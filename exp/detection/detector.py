"""One trend file to verdicts: its windows as in training, what the model says about each, and whether it may say so.

Letters: N steps of a file, n windows, C signals, L steps of a window, K classes.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from data_provider import WindowSet
from data_provider.segmentation import hold, working_mask
from data_provider.times import step_of, words_of
from data_provider.trends.files import TrendFile
from data_provider.trends.request import Request
from data_provider.trends.trend import Trend, read_trend
from data_provider.unlabelled import unlabelled
from exp.detection.advice import names_in_words
from exp.detection.days import decide_days
from exp.detection.evaluated import EvaluatedFile, Gap
from exp.detection.inputs import Inputs
from exp.detection.occupancy import Occupancy, occupancy
from exp.evaluation.decision import MISSING, NOT_SURE, OUTSIDE, UNDEFINED, Verdicts, verdict_names
from exp.evaluation.inference import answer, in_batches
from exp.runs.artifact import Artifact


class Detector:
    """A trained model with how to read files for it.

    Args:
        artifact: the model.
        inputs: what it takes of a file.
        request: how files are read; its columns are the model's, and behind them the column that says when the unit
            works, if training knew one.
        stride: steps between windows.
        unknown_rate: share of known windows that may be called unknown.
        false_alarm_rate: share of fault-free windows, or days where those are decided, that may be called a fault.
        device: where to compute.
    """

    def __init__(
        self,
        *,
        artifact: Artifact,
        inputs: Inputs,
        request: Request,
        stride: int,
        unknown_rate: float,
        false_alarm_rate: float,
        device: torch.device,
    ) -> None:
        self.artifact, self.inputs, self.request = artifact, inputs, request
        self.stride, self.device = stride, device
        self.unknown_rate, self.false_alarm_rate = unknown_rate, false_alarm_rate
        self.model = artifact.model.to(device)
        by_window = false_alarm_rate if artifact.days is None else 1.0
        self.rule = artifact.rule(unknown_rate=unknown_rate, false_alarm_rate=by_window)
        self._names = np.array(verdict_names(artifact.info), object)
        self.words = names_in_words(artifact.info.classes, artifact.info.normal)
        self._known: dict[bytes, Verdicts] = {}

    def read(self, found: TrendFile) -> EvaluatedFile:
        """Verdicts about a file; one that cannot be evaluated has a reason and no windows."""
        trend = read_trend(found, self.request)
        refused = trend.fatal.reason if trend.fatal else self.refusal(trend)
        if refused:
            return self._nothing(trend, refused)
        values, occupied = self.inputs.values(trend), self.occupancy(trend)
        windows = self._windows(trend, values, occupied.control, self.stride)
        cautions = [occupied.caution] if occupied.caution else []
        gaps = self._gaps(trend, values, windows, occupied.control)
        if not len(windows) and not gaps:
            gaps = [Gap(trend.times[0], trend.times[-1], f"the unit never works here, as {occupied.source} says")]
        if not len(windows):
            return self._nothing(trend, "", gaps=gaps, cautions=cautions)
        verdicts = self._verdicts(windows)
        evaluated = EvaluatedFile(
            trend=trend,
            windows=windows,
            start=windows.start,
            end=windows.end,
            probabilities=verdicts.probabilities.numpy(),
            confidence=verdicts.confidence.numpy(),
            named=verdicts.named.numpy(),
            novelty=verdicts.novelty.numpy(),
            novelty_rank=verdicts.novelty_rank.numpy(),
            verdict=self._names[verdicts.number.numpy()],
            reason=self._reasons(windows, verdicts),
            gaps=gaps,
            refused="",
            cautions=cautions,
            notes=self._notes(trend),
        )
        return self._by_days(evaluated, occupied.control)

    def _notes(self, trend: Trend) -> list[str]:
        told = [problem.reason for problem in trend.problems if not problem.fatal and self.inputs.matters(problem)]
        return [*self.advice(trend), *told]

    def advice(self, trend: Trend) -> list[str]:
        """What would let more be found in a file."""
        return self.inputs.advice(trend, self.artifact.days.worth if self.artifact.days else {})

    def _by_days(self, evaluated: EvaluatedFile, control: np.ndarray | None) -> EvaluatedFile:
        """What is decided by days, where the model does so."""
        days = self.artifact.days
        if days is None:
            return evaluated
        recipe, times = self.artifact.recipe, evaluated.trend.times
        working = working_mask(times, control, value=recipe.working_value, settle_seconds=recipe.settle_seconds)
        rules = self.inputs.rules(evaluated.trend, working, days.rules)
        return decide_days(evaluated, days, self.artifact.info, rules, false_alarm_rate=self.false_alarm_rate)

    def windows(self, trend: Trend, *, stride: int | None = None) -> WindowSet:
        """The windows of a file, as training would have cut them, with the detector's stride or another."""
        control = self.occupancy(trend).control
        return self._windows(trend, self.inputs.values(trend), control, stride or self.stride)

    def _windows(self, trend: Trend, values: np.ndarray, control: np.ndarray | None, stride: int) -> WindowSet:
        info, artifact = self.artifact.info, self.artifact
        return unlabelled(
            trend.times,
            values,
            control,
            name=trend.file,
            recipe=artifact.recipe,
            scaler=artifact.scaler,
            seq_len=info.seq_len,
            step=stride,
            masked=self.rule.most_missing > 0,
        )[0]

    def lacks(self, trend: Trend) -> list[str]:
        """The sensors that a file lacks, where they are more than the model answers without; else none."""
        names = self.inputs.missing(trend)
        return names if len(names) > self.rule.most_missing else []

    def occupancy(self, trend: Trend) -> Occupancy:
        """When the unit of a file works."""
        recipe = self.artifact.recipe
        found = occupancy(trend, recipe, self.inputs.columns)
        if not self.inputs.bridges or found.control is None:
            return found
        control, _ = hold(trend.times, found.control[:, None], recipe.hold_seconds)
        return found._replace(control=control[:, 0])

    def _verdicts(self, windows: WindowSet) -> Verdicts:
        """Verdicts about at least one window, batch by batch; of a growing file only what is new is computed."""
        kept: dict[bytes, Verdicts] = {}

        def work(places: np.ndarray) -> Verdicts:
            readings, batch = windows.readings(places), windows.gather(places)
            mask = b"" if batch.missing is None else batch.missing.numpy().tobytes()
            key = hashlib.blake2b(readings.tobytes() + mask, digest_size=20).digest() if self.request.growing else b""
            found = self._known.get(key)
            if found is None:
                logits, features = answer(self.model, batch.x, self.device)
                found = self.rule(
                    readings=torch.from_numpy(readings),
                    missing=batch.missing,
                    x=batch.x,
                    logits=logits,
                    features=features,
                )
            if self.request.growing:
                kept[key] = found
            return found

        parts = list(in_batches(work, self.model, np.arange(len(windows)), self.device))
        self._known |= kept
        return Verdicts.joined(parts)

    def _nothing(
        self, trend: Trend, refused: str, *, gaps: Sequence[Gap] = (), cautions: Sequence[str] = ()
    ) -> EvaluatedFile:
        """A file without windows."""
        none = np.zeros(0)
        return EvaluatedFile(
            trend=trend, windows=None, start=none.astype("datetime64[s]"), end=none.astype("datetime64[s]"),
            probabilities=none, confidence=none, named=none.astype(int), novelty=none, novelty_rank=none,
            verdict=none.astype(str), reason=none.astype(str), gaps=list(gaps), refused=refused,
            cautions=list(cautions), notes=self._notes(trend),
        )  # fmt: skip

    def refusal(self, trend: Trend) -> str:
        """Why nothing of a file can be evaluated, as that it lacks too many sensors; "" if something can."""
        names, most = self.lacks(trend), self.rule.most_missing
        if not names:
            recipe, control = self.artifact.recipe, self.occupancy(trend).control
            working = working_mask(trend.times, control, value=recipe.working_value, settle_seconds=0)
            return self.inputs.refusal(trend, working)
        if most:
            return f"{len(names)} sensors are missing, and the model answers without {most} at most: {', '.join(names)}"
        reasons = {problem.column: problem.reason for problem in trend.problems[::-1] if problem.kind == "missing"}
        return f"the model needs {', '.join(names)}: {reasons[names[0]]}"

    def _gaps(self, trend: Trend, values: np.ndarray, windows: WindowSet, control: np.ndarray | None) -> list[Gap]:
        """Times while the unit worked that no window covers: readings are missing, or it stopped too soon."""
        recipe, info, times = self.artifact.recipe, self.artifact.info, trend.times
        working = working_mask(times, control, value=recipe.working_value, settle_seconds=recipe.settle_seconds)
        values, _ = hold(times, values, recipe.hold_seconds)
        lost = np.isnan(values) & (self.rule.most_missing == 0)
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

    def _reasons(self, windows: WindowSet, verdicts: Verdicts) -> np.ndarray:
        """(n,) str: why a window has no answer or is unknown, or which sensors it was answered without."""
        places = np.arange(len(windows))
        missing = windows.missing(places)
        words = np.full(len(windows), "", object)
        if missing is not None:
            for place in np.flatnonzero(missing.any(1)).tolist():
                words[place] = f"answered without {self._listed(missing[place])}"
        unknown = (verdicts.number == len(self.artifact.info.classes)).numpy()
        limits = self.rule.limits(None if missing is None else torch.from_numpy(missing)).novelty.expand(len(windows))
        for place in np.flatnonzero((verdicts.reason.numpy() > 0) | unknown).tolist():
            reason = int(verdicts.reason[place])
            name = self.words[self.artifact.info.classes[int(verdicts.named[place])]]
            if unknown[place]:
                over = f"{float(verdicts.novelty[place]):.4g}, above the limit of {float(limits[place]):.4g}"
                score = f"novelty score {over}"
                why = f"unlike the training data: {score}; the nearest known state: {name}"
                words[place] = "; ".join(filter(None, (why, words[place])))
            elif reason == NOT_SURE:
                words[place] = f"not sure: {name}, or fault-free; too many fault-free windows look like this one"
            elif reason == OUTSIDE:
                words[place] = self._beyond(windows.readings(places[place : place + 1])[0], verdicts.outside[place])
            elif reason == MISSING and missing is not None:
                words[place] = f"{missing[place].sum()} sensors are missing: {self._listed(missing[place])}"
            elif reason == UNDEFINED:
                words[place] = "what the model says about these readings is not a number"
        return words

    def _beyond(self, readings: np.ndarray, outside: torch.Tensor) -> str:
        """Which signals of a window (C, L) training never came near, and what they read."""
        decision, info = self.artifact.decision, self.artifact.info
        words = []
        for number in np.flatnonzero(outside.numpy())[:3].tolist():
            values, unit = readings[number], info.units[number]
            least, most = decision.lower[number], decision.upper[number]
            worst = values[np.maximum(least - values, values - most).argmax()]
            words.append(
                f"{info.columns[number]} reads {worst:.4g}{unit and ' ' + unit}, outside the "
                f"{least:.4g} to {most:.4g} that training covers"
            )
        more = int(outside.sum()) - len(words)
        return "; ".join(words) + (f"; and {more} more" if more else "")

    def _listed(self, missing: np.ndarray) -> str:
        return ", ".join(self.artifact.info.columns[place] for place in np.flatnonzero(missing))
