"""A study of hyper-parameters: which settings were tried, what they reached on validation, which are tried next.

Optuna keeps it in a file or a database. Whatever was done is there before the next trial begins, so that a study can be
stopped, taken up, and worked on by several processes or machines at once.
"""

import json
import logging
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import torch
from optuna.exceptions import OptunaError
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from data_provider import Prepared, load_data
from data_provider.trends.database import is_database, shown
from exp.training.attempt import attempt
from exp.training.automatic import words_of
from exp.training.fingerprint import FREE_TO_CHANGE
from exp.training.search_space import OF_DATA, Dimension, combinations
from exp.training.trainer import Interrupted
from utils.errors import Diverged, UserError
from utils.logs import silence
from utils.option_sections import LARGEST_SEED
from utils.options import Options, flags
from utils.safe_reading import one_line
from utils.verbs import GROUPS_OF_VERB

logger = logging.getLogger(__name__)

STATES = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "ended early",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "begun",
    TrialState.WAITING: "waiting",
}
MEASURES = ("macro_f1", "accuracy", "log_loss")
STOPPED = "stopped"
BEFORE_PRUNING = 5  # trials that run to their end first, and epochs of each


class Study:
    """The trials of a study.

    Args:
        options: of the search; `select` says what the best is best by.
        space: the flags that are searched.
        path: the file that the study is kept in where `--storage` names no place.

    Raises:
        UserError: the place cannot be used, or holds a study by this name of another search.
    """

    def __init__(self, options: Options, space: Sequence[Dimension], path: Path) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.options, self.space, self.name = options, space, str(options.study)
        grid = combinations(space, options.trials)
        self._grid = None if grid is None else [_key(settings) for settings in grid]
        early = optuna.pruners.MedianPruner(BEFORE_PRUNING, BEFORE_PRUNING)
        place = options.storage or str(path)
        try:
            self._study = optuna.create_study(
                storage=_storage(place),
                study_name=self.name,
                direction="minimize" if options.select == "loss" else "maximize",
                pruner=early if options.prune else optuna.pruners.NopPruner(),
                load_if_exists=True,
            )
            known = self._study.user_attrs
        except (OSError, ValueError, KeyError, ImportError, SQLAlchemyError, OptunaError) as error:
            reason = one_line(str(error).partition("\n")[0])[:80]
            raise UserError(
                f"the study cannot be kept in {shown(place)} ({reason}); name a file or a database with --storage"
            ) from None
        self._own = {"line": _key(_line(options, space))}
        if "line" in known:
            self._compare(json.loads(known["line"]))

    def _compare(self, stored: dict[str, Any]) -> None:
        """Raises UserError where the study's trials are of another search."""
        own = json.loads(self._own["line"])
        for name in {**stored, **own}:
            here, there = (" ".join(v) if isinstance(v, list) else v for v in (own.get(name), stored.get(name)))
            if here != there:
                raise UserError(
                    f"--{name} {here} differs from {there} of the study {self.name}: its trials could not be compared; "
                    "leave it as it was, or name another --study"
                )

    def begin(self, data: Prepared) -> None:
        """Notes what all trials have in common; the first trial of a new study is of the line's own settings.

        Raises:
            UserError: the study's trials were evaluated on other validation windows.
        """
        self._own["validation"] = data.val.digests()[1]
        known = self._study.user_attrs
        if known.get("validation", self._own["validation"]) != self._own["validation"]:
            raise UserError(
                f"the validation windows are not those of the study {self.name}, so its trials could not be compared; "
                "use the same data, or name another --study"
            )
        if "validation" in known:
            return
        for name, value in self._own.items():
            self._study.set_user_attr(name, value)
        usual = {d.name: getattr(self.options, d.name) for d in self.space}
        if all(d.holds(usual[d.name]) for d in self.space):
            self._study.enqueue_trial(usual)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All of them, in their order."""
        return self._study.get_trials(deepcopy=False)

    def left(self) -> int:
        """How many trials are still to be made."""
        made = [trial for trial in self.trials if _counts(trial)]
        if self._grid is None:
            return max(0, self.options.trials - len(made))
        return len(self._grid) - len({_key(_settings(trial)) for trial in made} & set(self._grid))

    def best(self) -> FrozenTrial | None:
        """The trial with the best validation, a tie going to the lower loss; None without any."""
        done = [trial for trial in self.trials if trial.state == TrialState.COMPLETE]
        sign = -1 if self.options.select == "loss" else 1
        return max(done, key=lambda trial: (sign * (trial.value or 0), -trial.user_attrs["log_loss"]), default=None)

    def options_of(self, trial: FrozenTrial | dict[str, Any]) -> Options:
        """The options of a training with the settings of a trial, all of them named."""
        settings = trial if isinstance(trial, dict) else _settings(trial)
        plain = {field.name: field.default for field in flags("tune")}
        explicit = (self.options.explicit - set(plain)) | set(settings)
        return self.options.replace(**plain, **settings, verb="train", explicit=frozenset(explicit))

    def make_trial(self, data: Prepared, device: torch.device) -> None:
        """Tries the next settings.

        Args:
            data: as the options of the study prepare it.
            device: where to compute.

        Raises:
            Interrupted: the user stopped; the same settings are tried again by the next start.
        """
        before = self.trials
        trial = self._next(before)
        settings = {dimension.name: dimension.suggest(trial) for dimension in self.space}
        trial.set_user_attr("settings", settings)
        started = time.monotonic()
        twin = next((t for t in before if t.state == TrialState.COMPLETE and _settings(t) == settings), None)
        state, notes = TrialState.COMPLETE, dict[str, Any](reason="")
        try:
            if twin is None:
                notes |= self._reached(trial, settings, data, device)
            else:  # a training can be repeated to the bit, so it need not be
                notes |= {name: twin.user_attrs[name] for name in MEASURES} | {"reason": f"as trial {twin.number}"}
        except optuna.TrialPruned:
            state = TrialState.PRUNED
        except (Diverged, UserError) as error:
            state, notes = TrialState.FAIL, {"reason": one_line(str(error))[:200]}
        except (Interrupted, KeyboardInterrupt):
            trial.set_user_attr("reason", STOPPED)
            self._study.tell(trial, state=TrialState.FAIL)
            self._study.enqueue_trial(trial.params)
            raise
        for name, value in {**notes, "seconds": round(time.monotonic() - started, 1)}.items():
            trial.set_user_attr(name, value)
        self._study.tell(trial, notes[self._measure] if state == TrialState.COMPLETE else None, state=state)
        self._say(self.trials[trial.number])

    def rows(self) -> list[dict[str, Any]]:
        """Of trials.csv, a row a trial."""
        best = self.best()
        rows = []
        for trial in self.trials:
            notes, settings = trial.user_attrs, _settings(trial)
            row: dict[str, Any] = {"trial": trial.number, "state": _state(trial)}
            row |= {f"val_{name}": _rounded(notes.get(name)) for name in MEASURES}
            row |= {"epochs": notes.get("epochs", ""), "seconds": notes.get("seconds", "")}
            row |= {"best": "yes" if best and trial.number == best.number else ""}
            rows.append(
                row | {d.name: settings.get(d.name, "") for d in self.space} | {"note": notes.get("reason", "")}
            )
        return rows

    @property
    def _measure(self) -> str:
        return "log_loss" if self.options.select == "loss" else self.options.select

    def _next(self, before: Sequence[FrozenTrial]) -> optuna.Trial:
        """The next trial: one that waits, one of a small grid, or what Optuna proposes.

        Each draw has a seed of its own, so that a study of one process comes out the same, stopped or not.
        """
        seed = (self.options.seed + len(before)) % (LARGEST_SEED + 1)
        self._study.sampler = optuna.samplers.TPESampler(seed=seed)
        if self._grid is not None and not any(trial.state == TrialState.WAITING for trial in before):
            tried = {_key(_settings(trial)) for trial in before if _counts(trial) or trial.state == TrialState.RUNNING}
            untried = [key for key in self._grid if key not in tried]
            if untried:
                self._study.enqueue_trial(json.loads(random.Random(seed).choice(untried)))
        return self._study.ask()

    def _reached(
        self, trial: optuna.Trial, settings: dict[str, Any], data: Prepared, device: torch.device
    ) -> dict[str, Any]:
        def on_epoch(rows: list[dict[str, Any]]) -> None:
            if self.options.select == "loss":
                return  # of another loss function it is another number
            trial.report(rows[-1][f"val_{self.options.select}"], len(rows))
            if trial.should_prune():
                trial.set_user_attr("epochs", len(rows))
                raise optuna.TrialPruned

        options = self.options_of(settings)
        if set(settings) & set(OF_DATA):
            with silence():
                data = load_data(options)
        return attempt(options, data, device, on_epoch)._asdict()

    def _say(self, trial: FrozenTrial) -> None:
        done, best = trial.state == TrialState.COMPLETE, self.best()
        reached = f"{self._measure} {trial.value:.4f}" if done else _state(trial)
        note = f" ({trial.user_attrs['reason']})" if trial.user_attrs["reason"] else ""
        so_far = f"; best {best.value:.4f}, trial {best.number}" if best else ""
        logger.info("trial %d: %s: %s%s%s", trial.number, words_of(_settings(trial)), reached, note, so_far)


def _storage(place: str) -> Any:
    if is_database(place):
        return place
    path = Path(place).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = JournalFileOpenLock(str(path))
    return optuna.storages.JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _line(options: Options, space: Sequence[Dimension]) -> dict[str, Any]:
    """What all trials of a study share: the search, and every option of a training that tells one from another."""
    free = FREE_TO_CHANGE - {"train_epochs", "patience"} | {"root_path", "result_path", "des", "auto"}
    names = [field.name for field in flags(*GROUPS_OF_VERB["train"]) if field.name not in free]
    return {name: getattr(options, name) for name in names} | {"search": sorted(d.word for d in space)}


def _counts(trial: FrozenTrial) -> bool:
    return trial.state.is_finished() and trial.user_attrs.get("reason") != STOPPED


def _settings(trial: FrozenTrial) -> dict[str, Any]:
    return trial.user_attrs.get("settings", {})


def _key(settings: dict[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)


def _state(trial: FrozenTrial) -> str:
    return STOPPED if trial.user_attrs.get("reason") == STOPPED else STATES[trial.state]


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 4)
