"""An upload: files that somebody gave to the web app and what was found in them, in a folder of their own."""

import datetime
import json
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils.errors import UserError
from utils.files import write_text
from utils.safe_reading import read_bounded

ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
# What may be fetched of a folder of results.
RESULTS = ("report.html", "events.csv", "windows.csv", "days.csv", "feedback.json")
_NOTE = "upload.json"
_LARGEST_NOTE = 2**23  # bytes


@dataclass(frozen=True)
class Upload:
    """A folder whose name is the upload's identity; every other name in it is this program's own."""

    folder: Path

    @classmethod
    def create(cls, above: Path, *, title: str, model: str) -> "Upload":
        """A new folder.

        Args:
            above: the folder of all uploads.
            title: what to call it.
            model: the key of the model that decides.

        Raises:
            UserError: the folder cannot be made.
        """
        now = datetime.datetime.now().astimezone()
        upload = cls(above / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}")
        try:
            upload.files.mkdir(parents=True)
        except OSError as error:
            raise UserError(
                f"cannot make the folder {upload.files} ({error.strerror}); name another --output"
            ) from None
        upload.note({"title": title, "model": model, "made": f"{now:%Y-%m-%d %H:%M}"})
        return upload

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def files(self) -> Path:
        """What was given."""
        return self.folder / "files"

    @property
    def roles(self) -> Path:
        """The role map."""
        return self.folder / "roles.yaml"

    @property
    def points(self) -> Path:
        """The roles of the model and the points of the first file, as `exp/serving/points.py` writes them."""
        return self.folder / "points.json"

    @property
    def found(self) -> Path:
        """What detect wrote."""
        return self.folder / "found"

    def notes(self) -> dict[str, Any]:
        """What is remembered: title, model, when it was made, the last verb, and of verbs status, lines and error.

        Raises:
            UserError: it cannot be read.
        """
        return {"title": self.id, "model": "", "made": "", "last": "", **self.read(self.folder / _NOTE)}

    def note(self, more: Mapping[str, Any]) -> None:
        """Remembers more."""
        known = self.notes() if (self.folder / _NOTE).is_file() else {}
        write_text(self.folder / _NOTE, json.dumps({**known, **more}, ensure_ascii=False, indent=1) + "\n")

    def read(self, path: Path) -> dict[str, Any]:
        """A JSON file of the folder.

        Raises:
            UserError: it is not there, damaged, or a link that leads elsewhere.
        """
        content = read_bounded(path, largest=_LARGEST_NOTE, within=self.folder)
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise UserError(f"{path} is damaged; remove this upload and give the files again")
        return value

    def result(self, name: str) -> Path | None:
        """A file of the results by its name; None where there is none, or a link stands in its place."""
        path = self.found / name
        known = name in RESULTS and path.is_file() and not path.is_symlink() and not self.found.is_symlink()
        return path if known else None

    def remove(self) -> None:
        """Deletes the folder.

        Raises:
            UserError: it cannot be deleted.
        """
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise UserError(f"cannot remove {self.folder} ({error.strerror}); remove it by hand") from None


def uploads_in(above: Path) -> list[Upload]:
    """The uploads of a folder, the newest first; whatever else lies there is passed over."""
    if not above.is_dir():
        return []
    found = [path for path in above.iterdir() if ID.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]
    return [Upload(path) for path in sorted(found, reverse=True) if (path / _NOTE).is_file()]


def upload_of(above: Path, name: str) -> Upload | None:
    """The upload of that name, None where there is none."""
    return next((upload for upload in uploads_in(above) if upload.id == name), None)
