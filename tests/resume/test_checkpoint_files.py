"""A checkpoint's file: written whole, flushed, bounded and checked, with the one before it kept."""

import errno
import io
import os
import stat
import subprocess
import sys
import zipfile

import pytest
import torch

from tests.conftest import REPOSITORY
from tests.moments import looking
from tests.resume.kit import flip, seal
from utils import checkpoints, files
from utils.checkpoints import Unreadable, load_checkpoint, load_newest, save_checkpoint
from utils.errors import UserError

STATE = {"weights": torch.arange(100.0), "epoch": 3}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoints" / "last.pt"


def test_what_is_saved_is_loaded(path):
    save_checkpoint(STATE, path)
    found = load_checkpoint(path)
    assert torch.equal(found["weights"], STATE["weights"])
    assert found["epoch"] == 3


def test_the_one_before_is_kept(path):
    former = path.with_name("previous.pt")
    for epoch in range(3):
        save_checkpoint({"epoch": epoch}, path, former=former)
    assert (load_checkpoint(path)["epoch"], load_checkpoint(former)["epoch"]) == (2, 1)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["last.pt", "previous.pt"]


def test_the_one_before_is_kept_without_links(path, monkeypatch):
    def no_links(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(checkpoints.os, "link", no_links)
    former = path.with_name("previous.pt")
    for epoch in range(2):
        save_checkpoint({"epoch": epoch}, path, former=former)
    assert (load_checkpoint(path)["epoch"], load_checkpoint(former)["epoch"]) == (1, 0)


def test_content_is_flushed_before_the_rename_and_the_folder_after(path, monkeypatch):
    done = []
    real = files.os.replace

    def replaced(source, target):
        done.append(("rename", os.fspath(target)))
        real(source, target)

    def synced(place):
        done.append(("flush", os.readlink(f"/proc/self/fd/{place}")))

    if not os.path.exists("/proc/self/fd"):
        pytest.skip("this system does not say which file a descriptor is of")
    monkeypatch.setattr(files.os, "replace", replaced)
    monkeypatch.setattr(files.os, "fsync", synced)
    save_checkpoint(STATE, path)
    names = [(what, os.path.basename(where)) for what, where in done]
    assert names == [("flush", f".last.pt.{os.getpid()}.part"), ("rename", "last.pt"), ("flush", "checkpoints")]


@pytest.mark.parametrize("place", ["write", "flush", "rename"])
def test_a_failed_write_leaves_both_as_they_were(path, monkeypatch, place):
    former = path.with_name("previous.pt")
    save_checkpoint({"epoch": 0}, path, former=former)
    save_checkpoint({"epoch": 1}, path, former=former)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if place == "write":
            patch.setattr(checkpoints, "_digest", full)
        else:
            patch.setattr(files.os, {"flush": "fsync", "rename": "replace"}[place], full)
        with pytest.raises(OSError, match="No space"):
            save_checkpoint({"epoch": 2}, path, former=former)
    assert load_checkpoint(path)["epoch"] == 1
    assert load_checkpoint(former)["epoch"] == 0
    assert [entry.name for entry in path.parent.iterdir() if "part" in entry.name] == []


def test_at_every_moment_there_is_a_whole_checkpoint(path):
    """As a kill -9 there would leave it: the old one, and from one call to the next the new one."""
    former = path.with_name("previous.pt")
    for epoch in range(2):
        save_checkpoint(STATE | {"epoch": epoch}, path, former=former)
    old, older = path.read_bytes(), former.read_bytes()
    with looking(lambda: (path.read_bytes(), former.read_bytes())) as found:
        save_checkpoint(STATE | {"epoch": 2}, path, former=former)
    assert found == [(old, older), (old, old), (path.read_bytes(), old)]
    assert load_checkpoint(path)["epoch"] == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows limits no file's size")
def test_a_disk_that_is_full_in_mid_write_leaves_both_as_they_were(path):
    """The system itself refuses the second half of the file."""
    import resource

    former = path.with_name("previous.pt")
    for epoch in range(2):
        save_checkpoint({"epoch": epoch}, path, former=former)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            save_checkpoint({"weights": torch.zeros(50_000)}, path, former=former)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [load_checkpoint(place)["epoch"] for place in (path, former)] == [1, 0]
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["last.pt", "previous.pt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_others_may_read_as_the_umask_says(tmp_path, mask, mode):
    code = f"""
import os, sys; os.umask({mask})
import torch, safetensors.torch
from pathlib import Path
from utils.files import whole, write_text
from utils.checkpoints import save_checkpoint
place = Path({str(tmp_path)!r})
save_checkpoint({{"a": 1}}, place / "last.pt")
write_text(place / "config.yaml", "a: 1")
with whole(place / "weights.safetensors") as part:
    safetensors.torch.save_file({{"a": torch.zeros(1)}}, part)
"""
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("last.pt", "config.yaml", "weights.safetensors"), mode)


def test_a_damaged_newest_falls_back(path):
    former = path.with_name("previous.pt")
    save_checkpoint({"epoch": 0}, former)
    save_checkpoint({"epoch": 1}, path)
    assert load_newest([path, former])[1:] == (path, "")
    flip(path)
    state, source, damage = load_newest([path, former])
    assert (state["epoch"], source) == (0, former)
    assert "damaged" in damage
    path.unlink()
    assert load_newest([path, former])[0]["epoch"] == 0
    flip(former)
    with pytest.raises(Unreadable, match="no checkpoint at"):
        load_newest([path, former])


@pytest.mark.parametrize("place", [0.0, 0.001, 0.3, 0.6, 0.9999])
def test_every_bit_counts(path, place):
    save_checkpoint(STATE, path)
    flip(path, place)
    with pytest.raises(UserError, match="damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize("kept", [0, 10, 65, 300])
def test_a_cut_file_is_said_to_be_damaged(path, kept):
    save_checkpoint(STATE, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"damaged|not a checkpoint"):
        load_checkpoint(path)


def test_a_large_file_is_not_read(path, monkeypatch):
    save_checkpoint(STATE, path)
    monkeypatch.setattr(type(path), "read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(UserError, match="larger than 100 bytes"):
        load_checkpoint(path, largest=100)


def _packed():
    content, target = io.BytesIO(), io.BytesIO()
    torch.save({"a": torch.zeros(10**6)}, content)
    with zipfile.ZipFile(content) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in source.infolist():
            packed.writestr(entry.filename, source.read(entry))
    return target.getvalue()


class _Runs:
    def __reduce__(self):
        return (os.mkdir, ("ran",))


def _saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


HOSTILE = {
    "nothing": b"",
    "text": b"hello",
    "packed": _packed(),
    "a list": _saved([1, 2]),
    "a tensor": _saved(torch.zeros(3)),
    "a text": _saved("text"),
    "code": _saved({"a": _Runs()}),
    "cut": _saved(STATE)[:400],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_right_checksum_does_not_make_a_checkpoint(path, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path.parent.mkdir()
    seal(path, HOSTILE[name])
    with pytest.raises(UserError, match="is not a checkpoint of this program") as raised:
        load_checkpoint(path)
    assert "\n" not in str(raised.value)
    assert "Weights only" not in str(raised.value), "PyTorch advises to run what is in it"
    assert not (tmp_path / "ran").exists()


def test_a_pipe_is_not_waited_for(path):
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(UserError, match="no checkpoint at"):
        load_checkpoint(path)
