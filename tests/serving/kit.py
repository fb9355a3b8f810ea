"""What the tests of the web app share."""

import io
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

from exp.serving.app import app_of
from exp.serving.intake import Limits
from exp.serving.service import Service
from tests.conftest import REPOSITORY
from utils.options import Options

HOME = "http://127.0.0.1:8765"


def client_of(folder: Path, *, limits: Limits | None = None, **flags: object) -> TestClient:
    """A browser of a new server, which is to be entered as a context."""
    options = Options(verb="serve", explicit=frozenset(flags), **{"result_path": str(folder / "none"), **flags})
    service = Service(folder, options, limits)
    return TestClient(app_of(service), base_url=HOME, follow_redirects=False)


def token_of(client: TestClient) -> str:
    return re.search(r'name="token" value="([^"]+)"', client.get("/").text)[1]


def give(client: TestClient, *files: tuple[str, bytes], **fields: str):
    """Uploads files; returns the answer."""
    data = {"token": token_of(client), "model": "base", **fields}
    return client.post("/uploads", data=data, files=[("files", file) for file in files])


def given(client: TestClient, *files: tuple[str, bytes]) -> str:
    """Uploads files and waits until they were looked at; returns the upload's address."""
    answer = give(client, *files)
    assert answer.status_code == 303, answer.text
    return wait(client, answer.headers["location"])


def act(client: TestClient, address: str, verb: str, **fields: str):
    """Posts a form of an upload."""
    return client.post(f"{address}/{verb}", data={"token": token_of(client), **fields})


def wait(client: TestClient, address: str) -> str:
    """Until nothing is at work on an upload."""
    for _ in range(10_000):
        if not client.get(f"{address}/state").json()["active"]:
            return address
        time.sleep(0.05)
    raise AssertionError(f"{address} is still at work")


@contextmanager
def serving(*flags: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """A server in a process of its own: the process, its address, and what it said first."""
    words = [sys.executable, str(REPOSITORY / "run.py"), "serve", "--port", "0", *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            said = []
            while not said or not said[-1].startswith("serving: "):
                line = server.stdout.readline()
                assert line, server.stderr.read()
                said.append(line)
            yield server, said[-1].split()[1], said
        finally:
            if server.poll() is None:
                server.send_signal(signal.SIGINT)


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, inner in files.items():
            file.writestr(name, inner)
    return content.getvalue()
