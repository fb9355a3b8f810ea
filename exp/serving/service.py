"""What the web app can do, without the web: uploads looked at, mapped, searched for faults and marked, by the verbs."""

import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from exp.serving import role_form
from exp.serving.intake import Limits, discard, take
from exp.serving.jobs import Busy, Job, Jobs
from exp.serving.marking import mark
from exp.serving.models import Choice, choices
from exp.serving.role_form import LARGEST, Line, forms_of, lines_of
from exp.serving.upload import Upload, upload_of, uploads_in
from utils.errors import UserError
from utils.files import write_bytes
from utils.options import Options, flags
from utils.safe_reading import read_bounded

POINTS = (sys.executable, "-m", "exp.serving.points")
_NAMED = 3  # files in a title


class Service:
    """The uploads of a folder.

    Args:
        folder: where they lie.
        options: of `serve`; how files are written is passed on to the verbs.
        limits: what is taken at most.

    Raises:
        UserError: the folder cannot be made, or `--run` is no run.
    """

    def __init__(self, folder: Path, options: Options, limits: Limits | None = None) -> None:
        self.folder, self.limits = folder, limits or Limits()
        self.models = {choice.key: choice for choice in choices(options)}
        self.jobs = Jobs()
        self._reading = [word for field in flags("reading") if field.name in options.explicit and field.name != "roles"
                         for word in (f"--{field.name}", str(getattr(options, field.name)))]  # fmt: skip
        self._device = ["--device", options.device] if "device" in options.explicit else []
        self._roles = read_bounded(Path(options.roles).expanduser(), largest=LARGEST) if options.roles else None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {folder} ({error.strerror}); name another --output") from None

    def uploads(self) -> list[Upload]:
        """All of them, the newest first."""
        return uploads_in(self.folder)

    def upload(self, name: str) -> Upload | None:
        """One by its identity."""
        return upload_of(self.folder, name)

    def receive(self, given: Iterable[tuple[str, IO[bytes]]], model: str) -> Upload:
        """Takes files, and lets doctor look at them.

        Args:
            given: name and content of each file.
            model: the key of the model that is to decide.

        Raises:
            UserError: a file cannot be taken, or there is no such model.
        """
        self._model(model)
        if len(self.uploads()) >= self.limits.uploads:
            raise UserError(f"{self.folder} holds {self.limits.uploads} uploads already; remove one first")
        upload = Upload.create(self.folder, title="files", model=model)
        with ExitStack() as undo:
            undo.callback(discard, upload.folder)
            names = take(upload.files, given, self.limits)
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            upload.note({"title": ", ".join(names[:_NAMED]) + more})
            self.look(upload)
            undo.pop_all()
        return upload

    def look(self, upload: Upload) -> None:
        """Has doctor read the files; the first time it writes a role map too."""
        if self._roles and not upload.roles.exists():
            write_bytes(upload.roles, self._roles)
        files = ["--input", str(upload.files), *self._flags(upload)]
        known = upload.roles.exists()
        target = ["--roles", str(upload.roles)] if known else ["--output", str(upload.roles)]
        points = [*POINTS, *files, "--output", str(upload.points)]

        def mapped() -> list[str] | None:
            """Files whose names say nothing by themselves are read by the map that doctor has just written."""
            return ["doctor", *files, "--roles", str(upload.roles)] if not known and upload.roles.exists() else None

        beside = [] if upload.points.exists() else points
        self._start(upload, Job(["doctor", *files, *target], beside=beside, again=mapped))

    def detect(self, upload: Upload) -> None:
        """Has detect find faults in the files."""
        self._start(upload, Job(self.detection(upload)))

    def detection(self, upload: Upload) -> list[str]:
        """The words by which a console would detect as the app does."""
        roles = ["--roles", str(upload.roles)] if upload.roles.exists() else []
        flags_of_it = [*self._flags(upload), *self._device, *roles]
        return ["detect", "--input", str(upload.files), *flags_of_it, "--output", str(upload.found)]

    def feedback(self, upload: Upload, said: Mapping[int, str], state: str) -> None:
        """Writes marks into events.csv and has feedback take them, which does not take long.

        Raises:
            UserError: a mark cannot be taken.
        """
        self._idle(upload)
        mark(upload.found, said, state)
        job = Job(["feedback", "--events", str(upload.found / "events.csv")])
        job.run()
        upload.note({job.verb: job.outcome()})
        if job.error:
            raise UserError(job.error)

    def lines(self, upload: Upload) -> tuple[list[Line], dict[str, Any]]:
        """The roles with the points that they are, and the points that there are to choose from.

        Raises:
            UserError: the role map cannot be read.
        """
        content: dict[str, Any] = {"file": "", "roles": [], "points": []}
        if upload.points.exists():
            content |= upload.read(upload.points)
        return lines_of(content["roles"], upload.roles), content

    def map(self, upload: Upload, given: Mapping[int, tuple[str, str]]) -> None:
        """Writes the role map.

        Args:
            upload: whose.
            given: place of a role -> point and unit.

        Raises:
            UserError: there is no such point or unit.
        """
        self._idle(upload)
        lines, content = self.lines(upload)
        forms = forms_of([str(point["name"]) for point in content["points"]], lines)
        known = {*forms.values(), *(line.column for line in lines), ""}
        for place, (column, unit) in given.items():
            if not 0 <= place < len(lines) or column not in known or unit not in ("", *lines[place].units):
                raise UserError("the form names a role, point or unit that is not there; load the page again")
            lines[place] = replace(lines[place], column=column, unit=unit)
        role_form.save(upload.roles, lines)

    def cancel(self, upload: Upload) -> None:
        """Ends what is at work on an upload."""
        job = self.jobs.active(upload.id)
        if job is not None:
            job.cancel()

    def remove(self, upload: Upload) -> None:
        """Deletes an upload.

        Raises:
            UserError: something is at work on it.
        """
        self._idle(upload)
        upload.remove()

    def model_of(self, upload: Upload) -> Choice:
        """The model that decides about an upload."""
        return self._model(str(upload.notes().get("model")))

    def _model(self, key: str) -> Choice:
        if key not in self.models:
            raise UserError(f"there is no model '{key[:100]}'; choose one of those on the first page")
        return self.models[key]

    def _flags(self, upload: Upload) -> list[str]:
        return [*self.model_of(upload).flags, *self._reading]

    def _idle(self, upload: Upload) -> None:
        job = self.jobs.active(upload.id)
        if job is not None:
            raise Busy(f"{job.verb} is still at work on these files; wait for it, or stop it")

    def _start(self, upload: Upload, job: Job) -> None:
        self.jobs.start(upload.id, job, lambda ended: upload.note({"last": ended.verb, ended.verb: ended.outcome()}))
