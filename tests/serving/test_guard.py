"""Who may ask the web app for what: other sites, other files, too much, and two at once."""

import re
import sys
from pathlib import Path

import pytest

from exp.serving import intake, jobs, service
from exp.serving.intake import Limits, safe_name
from exp.serving.upload import uploads_in
from tests.conftest import REPOSITORY
from tests.serving import stand_in
from tests.serving.kit import HOME, act, client_of, give, given, token_of, wait, zipped

CSV = ("a.csv", b"time,x\n1,2\n")


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch) -> None:
    words = [sys.executable, stand_in.__file__]
    monkeypatch.setattr(jobs, "program", lambda: words)
    monkeypatch.setattr(service, "POINTS", [*words, "points"])


@pytest.fixture
def client(tmp_path):
    with client_of(tmp_path, limits=Limits(files=3, megabytes=1, uploads=4)) as client:
        yield client


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8765", "", "127.0.0.2"])
def test_another_name_for_this_machine_is_refused(host, client):
    assert client.get("/", headers={"host": host}).status_code == 400
    assert client.get("/health", headers={"host": "localhost:8765"}).text == "ok\n"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(headers, client, tmp_path):
    address = given(client, CSV)
    data = {"token": token_of(client)}
    assert client.post(f"{address}/remove", data=data, headers=headers).status_code == 403
    assert len(uploads_in(tmp_path)) == 1
    own = {"origin": HOME, "sec-fetch-site": "same-origin"}
    assert client.post(f"{address}/remove", data=data, headers=own).status_code == 303
    assert uploads_in(tmp_path) == []


@pytest.mark.parametrize("token", ["", "x", "\u00e9"])
def test_a_form_without_the_token_is_refused(token, client, tmp_path):
    address = given(client, CSV)
    assert give(client, CSV, token=token).status_code == 403
    for verb in ("points", "look", "detect", "marks", "cancel", "remove"):
        assert act(client, address, verb, token=token).status_code == 403
    assert len(uploads_in(tmp_path)) == 1


def test_nothing_changes_by_a_link(client):
    address = given(client, CSV)
    for verb in ("points", "look", "detect", "marks", "cancel", "remove"):
        assert client.get(f"{address}/{verb}").status_code in (404, 405)
    assert client.get("/uploads").status_code in (404, 405)


def test_too_much_is_refused_and_leaves_nothing(client, tmp_path):
    large = ("a.csv", bytes(3 * 2**20))
    answer = give(client, large)
    assert answer.status_code == 413
    assert "more than 2 MB were sent" in answer.text

    def pieces():  # no length is stated
        for _ in range(40):
            yield bytes(2**17)

    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/uploads", content=pieces(), headers=kind).status_code == 413
    assert client.post("/uploads/x/detect", content=bytes(2**20 + 1), headers=kind).status_code in (404, 413)
    just = give(client, ("a.csv", bytes(2**20 + 1)))
    assert just.status_code == 400
    assert "more than 1 MB; give the files in parts" in just.text
    many = give(client, *((f"{number}.csv", b"x") for number in range(4)))
    assert many.status_code == 400
    assert list(tmp_path.iterdir()) == []


def test_no_more_uploads_than_the_folder_takes(client):
    for _ in range(4):
        given(client, CSV)
    answer = give(client, CSV)
    assert answer.status_code == 400
    assert "holds 4 uploads already; remove one first" in answer.text


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ([("notes.txt", b"x")], "notes.txt: not a trend file; give .csv"),
        ([CSV, ("run.exe", b"x")], "run.exe: not a trend file"),
        ([CSV, ("A.CSV", b"x")], "two files are called A.CSV; rename one of them"),
        ([("a.zip", b"no archive")], "a.zip: cannot be unpacked (File is not a zip file)"),
        ([("a.zip", zipped(**{"readme.txt": b"x"}))], "no file was given"),
        ([("a.zip", zipped(**{"a.csv": bytes(2**20 + 1)}))], "more than 1 MB"),
        ([("a.zip", zipped(**{f"{n}.csv": b"x" for n in range(4)}))], "more than 3 files"),
        ([("<script>.csv.php", b"x")], "&lt;script&gt;.csv.php: not a trend file"),
    ],
)
def test_a_wrong_file_is_told_and_leaves_nothing(files, line, client, tmp_path):
    answer = give(client, *files)
    assert answer.status_code == 400
    assert line in answer.text.replace("&#39;", "'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../a.csv", "a.csv"),
        ("C:\\data\\a.csv", "a.csv"),
        ("/etc/passwd", ""),
        (".csv", ""),
        ("..csv", ""),
        ("...hidden.csv", "hidden.csv"),
        ("a\0b\n.csv", "ab.csv"),
        ("\u202eexe.csv", "exe.csv"),
        ("AHU 1: <x>?.CSV.GZ", "AHU 1_ _x__.CSV.GZ"),
        ("x" * 500 + ".parquet", "x" * 112 + ".parquet"),
        ("Ger\u00e4t.xlsx", "Ger\u00e4t.xlsx"),
    ],
)
def test_names_are_made_harmless(name, expected):
    assert safe_name(name) == expected


def test_an_archive_stays_in_its_folder(client, tmp_path):
    inner = {"../../../evil.csv": b"1", "AHU-1/a.csv": b"2", "__MACOSX/a.csv": b"3"}
    given(client, ("trends.zip", zipped(**inner)))
    (upload,) = uploads_in(tmp_path)
    found = {path.relative_to(upload.files).as_posix(): path.read_bytes() for path in upload.files.rglob("*.csv")}
    assert found == {"evil.csv": b"1", "AHU-1/a.csv": b"2"}
    assert not list(tmp_path.parent.rglob("evil.csv"))[1:]


def test_an_archive_with_an_endless_list_is_not_opened(client, monkeypatch):
    monkeypatch.setattr(intake, "LARGEST_DIRECTORY", 100)
    answer = give(client, ("a.zip", zipped(**{f"{n}.csv": b"x" for n in range(3)})))
    assert "a.zip: it lists too many files; unpack it" in answer.text


@pytest.mark.parametrize("name", ["%2e%2e", "..%2f..%2fetc", "20260101-000000-00000000", "x\0"])
def test_no_path_leads_out_of_the_folder(name, client):
    address = given(client, CSV)
    wait(client, act(client, address, "detect").headers["location"])
    assert client.get(f"{address}/results/report.html").status_code == 200
    for path in (f"/uploads/{name}", f"/uploads/{name}/state", f"{address}/results/{name}", f"/static/{name}/app.py",
                 f"{address}/results/upload.json", f"{address}/results/{name}%2fupload.json"):  # fmt: skip
        assert client.get(path.replace("\0", "%00")).status_code in (307, 400, 404), path


def test_a_link_among_the_results_is_not_followed(client, tmp_path):
    address = given(client, CSV)
    wait(client, act(client, address, "detect").headers["location"])
    (upload,) = uploads_in(tmp_path)
    secret = tmp_path.parent / "secret.txt"
    secret.write_text("secret")
    (upload.found / "windows.csv").symlink_to(secret)
    assert client.get(f"{address}/results/windows.csv").status_code == 404
    upload.found.rename(tmp_path / "moved")
    upload.found.symlink_to(tmp_path / "moved")
    assert client.get(f"{address}/results/report.html").status_code == 404


def test_a_report_has_an_origin_of_its_own_and_pages_run_no_strangers_script(client):
    address = given(client, CSV)
    page = client.get(address)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    wait(client, act(client, address, "detect").headers["location"])
    report = client.get(f"{address}/results/report.html")
    policy = report.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; img-src data:")
    assert "allow-same-origin" not in policy
    assert client.get(f"{address}/results/events.csv").headers["content-disposition"].startswith("attachment")
    shown = client.get(f"{address}?view=points").text + client.get(address).text
    for raw, escaped in (
        ("DAT <b>", "DAT &lt;b&gt;"),
        ("its <clock>", "its &lt;clock&gt;"),
        ("stuck <i>", "&lt;i&gt;"),
    ):
        assert raw not in shown
        assert escaped in shown


def test_two_at_once_do_not_meet(client, tmp_path):
    slow = give(client, ("slow.csv", b"1")).headers["location"]
    other = given(client, ("quick.csv", b"2"))
    assert client.get(f"{slow}/state").json()["active"]
    for verb in ("look", "detect", "remove", "points", "marks"):
        answer = act(client, slow, verb)
        assert answer.status_code == 409
        assert "doctor is still at work on these files; wait for it, or stop it" in answer.text
    assert "quick.csv: can be evaluated" in client.get(other).text
    assert "slow.csv" not in client.get(other).text
    assert act(client, slow, "cancel").status_code == 303
    wait(client, slow)
    assert "stopped before the end" in client.get(slow).text
    assert {tuple(path.name for path in upload.files.iterdir()) for upload in uploads_in(tmp_path)} == {
        ("slow.csv",),
        ("quick.csv",),
    }


def test_a_server_that_ends_ends_what_is_at_work(tmp_path):
    with client_of(tmp_path) as client:
        give(client, ("slow.csv", b"1"))
    (upload,) = uploads_in(tmp_path)
    assert upload.notes()["doctor"]["status"] == jobs.CANCELLED


def test_pages_ask_for_nothing_from_elsewhere():
    folder = REPOSITORY / "exp" / "serving"
    for path in (path for path in folder.rglob("*") if path.suffix in (".j2", ".css", ".js")):
        assert not re.search(r"https?:|//\w+\.", path.read_text(encoding="utf-8").replace("http-equiv", "")), path
    assert not list(Path(folder).rglob("*.woff*"))
