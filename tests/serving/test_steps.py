"""From files to marks in the web app: what it shows, what it writes, and what it has the verbs do."""

import json
import re
import signal
import socket
import sys
import urllib.request

import pytest
import yaml

import run
from exp import serve
from exp.serving import jobs, service
from exp.serving.models import choices
from exp.serving.role_form import Line, forms_of
from exp.serving.upload import uploads_in
from tests.serving import stand_in
from tests.serving.kit import act, client_of, give, given, serving, wait
from utils.options import Options

CSV = ("a.csv", b"time,x\n1,2\n")


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """A browser of a server whose verbs but feedback are stood in for."""
    words = [sys.executable, stand_in.__file__]
    monkeypatch.setattr(service, "POINTS", [*words, "points"])
    real = jobs.program()
    monkeypatch.setattr(jobs, "program", lambda: words)
    with client_of(tmp_path) as client:
        client.real = lambda: monkeypatch.setattr(jobs, "program", lambda: real)
        yield client


def test_doctors_words_and_guesses_are_shown(quick):
    page = quick.get(given(quick, CSV)).text
    assert "a.csv: can be evaluated" in page
    assert '<option value="AHU1 DAT &lt;b&gt;" data-reads="12.9 (12 to 20) C" selected>' in page
    assert "check: by an abbreviation" in page
    assert "Supply Air Temperature" in page
    assert "always 4" in page


def test_a_verbs_error_is_the_line_of_the_console(quick):
    address = given(quick, ("bad.csv", b""))
    assert "bad.csv: the file is empty; export it again" in quick.get(address).text
    wait(quick, act(quick, address, "detect").headers["location"])
    assert '<p class="note bad" role="alert">bad.csv: the file is empty' in quick.get(address).text


def test_files_in_words_of_their_own_are_read_by_the_map_that_doctor_wrote(quick):
    page = quick.get(given(quick, ("foreign.csv", b"x"))).text
    assert "nothing tells" not in page
    assert page.count("foreign.csv: can be evaluated") == 1


def test_the_map_of_the_form_is_the_map_that_detect_gets(quick, tmp_path):
    address = given(quick, CSV)
    (upload,) = uploads_in(tmp_path)
    fields = {"point-0": "AHU1 OAT", "unit-0": "F", "point-1": "AHU1 DAT <b>", "unit-1": "", "then": "detect"}
    answer = act(quick, address, "points", **fields)
    assert answer.status_code == 303
    wait(quick, address)
    assert yaml.safe_load(upload.roles.read_text()) == {
        "SA_TEMP": {"column": "AHU1 OAT", "unit": "F"},
        "OA_TEMP": {"column": "AHU1 DAT <b>"},
    }
    words = quick.get(f"{address}/results/report.html").text
    assert f"--roles {upload.roles}" in words
    assert f"--output {upload.found}" in words
    assert act(quick, address, "points", **{"point-0": "", "point-1": "", "then": "look"}).status_code == 303
    wait(quick, address)
    assert upload.roles.read_text().startswith("SA_TEMP")  # doctor made a first one again


@pytest.mark.parametrize("fields", [{"point-0": "other"}, {"point-0": "AHU1 OAT", "unit-0": "Pa"}, {"point-9": ""}])
def test_a_form_that_names_what_is_not_there_is_refused(fields, quick, tmp_path):
    address = given(quick, CSV)
    before = uploads_in(tmp_path)[0].roles.read_text()
    answer = act(quick, address, "points", **fields)
    assert answer.status_code == 400
    assert "names a role, point or unit that is not there" in answer.text
    assert uploads_in(tmp_path)[0].roles.read_text() == before


def test_states_and_times_of_a_map_stay(quick, tmp_path):
    address = given(quick, CSV)
    (upload,) = uploads_in(tmp_path)
    upload.roles.write_text(
        "SA_TEMP: {column: AHU1 X, states: {Standby: 0}}\ntime: {column: when}\nOA_TEMP: AHU1 OAT\n"
    )
    act(quick, address, "points", **{"point-0": "AHU1 X", "point-1": "AHU1 X"})
    wait(quick, address)
    assert yaml.safe_load(upload.roles.read_text()) == {
        "time": {"column": "when"},
        "SA_TEMP": {"column": "AHU1 X", "states": {"Standby": 0}},
        "OA_TEMP": {"column": "AHU1 X"},
    }


def test_a_map_for_several_units_stays_one():
    lines = [Line("SA_TEMP", "", (), column="AHU{unit} DAT"), Line("OA_TEMP", "", (), column="OAT")]
    points = ["AHU1 DAT", "AHU1 MAT", "OAT", "Zone 1"]
    assert forms_of(points, lines) == {
        "AHU1 DAT": "AHU{unit} DAT",
        "AHU1 MAT": "AHU{unit} MAT",
        "OAT": "OAT",
        "Zone 1": "Zone 1",
    }
    assert forms_of(points, lines[1:]) == {name: name for name in points}


def test_marks_become_feedback(quick, tmp_path):
    address = given(quick, CSV)
    wait(quick, act(quick, address, "detect").headers["location"])
    page = quick.get(address).text
    state = page.split('name="state" value="')[1].split('"')[0]
    assert page.count("<fieldset") == 2  # of three rows one counts windows outside events
    quick.real()
    none = act(quick, address, "marks", state=state)
    assert "no event is marked; write yes or no" in none.text
    answer = act(quick, address, "marks", state=state, then="save", **{"event-0": "no", "event-1": "yes"})
    assert answer.status_code == 303
    (upload,) = uploads_in(tmp_path)
    marks = json.loads((upload.found / "feedback.json").read_text())["marks"]
    assert [(mark["fault"], mark["right"]) for mark in marks] == [("stuck", False), ("leak", True)]
    page = quick.get(address).text
    assert "a.csv: stuck: 1 wrong; threshold raised to 0.830001" in page
    assert 'name="event-0" value="no" checked' in page
    for fields in ({"event-0": "maybe"}, {"event-7": "yes"}):
        assert act(quick, address, "marks", state=state, **fields).status_code == 400
    (upload.found / "events.csv").write_text(stand_in.EVENTS.replace("05-06", "05-09"))
    late = act(quick, address, "marks", state=state, **{"event-0": "yes"})
    assert "the events have changed since this page was shown" in late.text


def test_a_new_server_knows_what_was_given(quick, tmp_path):
    address = given(quick, CSV)
    with client_of(tmp_path) as other:
        assert "a.csv" in other.get("/").text
        assert "a.csv: can be evaluated" in other.get(address).text
        assert act(other, address, "remove").headers["location"] == "/"
        assert "there is no such upload" in other.get(address).text


def test_a_damaged_upload_can_be_removed(quick, tmp_path):
    address = given(quick, CSV)
    (uploads_in(tmp_path)[0].folder / "upload.json").write_text("{")
    assert "damaged" in quick.get("/").text
    assert "is damaged; remove this upload" in quick.get(address).text
    assert act(quick, address, "remove").status_code == 303


def test_the_models_to_choose_from(tmp_path):
    for name in ("a/m/d/20260101-000000-1", "a/m/d/20260102-000000-1"):
        (tmp_path / name / "model").mkdir(parents=True)
        (tmp_path / name / "model" / "model.json").write_text("{}")
    run_folder = str(tmp_path / "a/m/d/20260101-000000-1")
    found = choices(Options(result_path=str(tmp_path)))
    assert [choice.key for choice in found] == ["base", str(tmp_path / "a/m/d/20260102-000000-1"), run_folder]
    chosen = choices(Options(result_path=str(tmp_path), run=f"{run_folder}/model"))
    assert chosen[0].flags == ("--run", f"{run_folder}/model")
    assert chosen[1].flags == ()


def test_a_model_that_is_not_offered_is_refused(quick, tmp_path):
    answer = give(quick, CSV, model="/etc")
    assert answer.status_code == 400
    assert "there is no model" in answer.text
    assert uploads_in(tmp_path) == []


def test_flags_of_reading_are_passed_on(monkeypatch, tmp_path):
    with client_of(tmp_path, time_zone="Europe/Berlin", max_age=30.0) as client:
        monkeypatch.setattr(jobs, "program", lambda: [sys.executable, stand_in.__file__])
        monkeypatch.setattr(service, "POINTS", [sys.executable, stand_in.__file__, "points"])
        address = given(client, CSV)
        wait(client, act(client, address, "detect").headers["location"])
        assert "--time_zone Europe/Berlin --max_age 30.0" in client.get(f"{address}/results/report.html").text


def test_the_verbs_themselves(unit, tmp_path):
    with client_of(tmp_path) as client:
        address = given(client, ("AHU-1.csv", unit))
        page = client.get(address).text
        assert "AHU-1.csv: can be evaluated" in page
        assert re.search(r'data-reads="[\d.]+ \([\d.]+ to [\d.]+\)" selected>SA_TEMP</option>', page)
        wait(client, act(client, address, "detect").headers["location"])
        assert "<!-- detection report -->" in client.get(f"{address}/results/report.html").text
        events = client.get(f"{address}/results/events.csv").text
        assert "AHU-1.csv" in events
        page = client.get(address).text
        assert "python run.py detect --input" in page
        words = page.split("python run.py ")[1].split("</pre>")[0].split()
        assert run.main(["detect", *words[1:-1], str(tmp_path / "console")]) == 0
        assert (tmp_path / "console" / "events.csv").read_text() == events


def test_a_taken_port_is_a_line(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run.main(["serve", "--port", str(port), "--output", str(tmp_path)]) == 2
    line = f"run.py: cannot listen at 127.0.0.1, port {port} (Address already in use); name another --port or --host\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--run", "nowhere"], "nowhere is not a run folder"),
        (["--output", "file/x"], "cannot make the folder file/x (Not a directory); name another --output"),
        (["--roles", "none.yaml"], "cannot read none.yaml"),
        (["--port", "70000"], "70000 is out of range"),
    ],
)
def test_what_cannot_be_served_is_a_line(flags, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert run.main(["serve", *flags]) == 2
    assert line in capsys.readouterr().err


def test_a_missing_package_is_a_line(monkeypatch, capsys):
    monkeypatch.setattr(serve, "NEEDS", ("no_such_package",))
    assert run.main(["serve"]) == 2
    assert "serve needs packages that are not installed; python -m pip install 'dualgafnet[serve]'" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_ctrl_c_ends_it(host, tmp_path):
    with serving("--host", host, "--output", str(tmp_path)) as (server, address, said):
        assert any("there is no login" in line for line in said) is (host == "0.0.0.0")
        assert urllib.request.urlopen(f"{address}/health").read() == b"ok\n"
        server.send_signal(signal.SIGINT)
        out, errors = server.communicate(timeout=60)
    assert server.returncode == 0
    assert out == f"ended; the uploads stay in {tmp_path}\n"
    assert errors == ""
