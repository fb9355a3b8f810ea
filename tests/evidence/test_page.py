"""The page that one works with: small, offline, safe, for a phone, for paper, for the keyboard."""

import dataclasses
import hashlib
import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from exp.detection import report
from exp.detection.evidence.physics import physics_of
from exp.detection.evidence.points import UnitReadings
from exp.detection.record import Evidence, Finding, Unit
from exp.reporting import interactive
from tests.evidence.kit import MIDNIGHT, unit, windows_of

FAULT = "cooling_valve_leak"
HOSTILE = "</script><script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">"
LARGEST = 3_000_000  # bytes of a page with as many events as are drawn
chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")


def noisy() -> UnitReadings:
    """A unit of thirty days whose every reading differs, so that nothing packs well; most of them are faulty."""
    readings = unit(["normal", *[FAULT] * 29], {1: {"SA_TEMP": 45.0}})
    random = np.random.default_rng(0)
    for point in readings.points.values():
        point.values[:] = point.values * (1 + 0.1 * random.standard_normal(len(point.values)))
    return readings


def finding(readings: UnitReadings, *, name: str = "unit.csv", hours: float = 8.0) -> Finding:
    windows = windows_of(readings, FAULT)
    evidence = Evidence(
        columns=("SA_TEMP", "MA_TEMP"),
        physics=physics_of(readings, FAULT, windows, int(windows[0]), ()),
        looked_times=MIDNIGHT + np.arange(24) * np.timedelta64(900, "s"),
        looked=np.random.default_rng(0).random((2, 24)),
        window=np.sin(np.arange(24) / 4),
        period_seconds=900,
    )
    return Finding(
        file=name, fault=FAULT, words="cooling valve leaks", meaning="cooling valve leaks", advice="Look.",
        start="2024-03-02T08:00:00",
        end="2024-03-02T16:00:00", hours=hours, windows=2, mean_confidence=0.9, peak_confidence=0.95,
        mean_novelty=0.4, peak_novelty=0.6,
        sensors=("SA_TEMP",), ongoing=False, evidence=evidence,
    )  # fmt: skip


def unit_with(findings: list[Finding], name: str = "unit.csv") -> Unit:
    span = ("2024-03-01T00:00:00", "2024-03-30T23:45:00")
    return Unit(
        file=name, start=span[0], end=span[1], spans=[span], windows=60, verdicts={"normal": 2, FAULT: 58}, silent=[],
        cautions=[], findings=findings, single={}, names={"normal": "normal", FAULT: "cooling valve leaks"},
    )  # fmt: skip


ABOUT = report.About(
    model="DualGAFNet", data="fleet", classes=14, has_normal=True, window_seconds=21600, stride_seconds=5400,
    unknown_rate=0.01, false_alarm_rate=0.02, confirm=1, hold_hours=48, trained_on="simulated units", by_days=True,
    simulated=True,
)  # fmt: skip


def renamed(readings: UnitReadings, name: str) -> UnitReadings:
    """The same unit, whose file calls every point so, and of whose points nobody knows what they are."""
    points = {role: dataclasses.replace(point, name=name, words="") for role, point in readings.points.items()}
    return dataclasses.replace(readings, points=points)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """A page of one event, drawn with a hostile name."""
    found = finding(renamed(unit(["normal", FAULT], {1: {"SA_TEMP": 45.0}}), HOSTILE))
    return report.write(tmp_path_factory.mktemp("page") / "report.html", [unit_with([found])], ABOUT)


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    """A page of as many events as are drawn, of one unit."""
    found = finding(noisy())
    drawn = report._figures(found)
    patch = pytest.MonkeyPatch()
    patch.setattr(report, "_figures", lambda _: drawn)  # drawing them two dozen times shows no more
    many = [dataclasses.replace(found, hours=8.0 + number) for number in range(24)]
    path = report.write(tmp_path_factory.mktemp("full") / "report.html", [unit_with(many)], ABOUT)
    patch.undo()
    return path


class _Page(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))


def browse(path: Path, *flags: str) -> str:
    """What Chromium makes of a page."""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={path.parent / 'profile'}", "--virtual-time-budget=5000", *flags, f"file://{path}"]
    return subprocess.run(command, capture_output=True, text=True).stdout


def with_script(page: Path, script: str) -> Path:
    """A copy that runs another script too, which the page's own policy would refuse."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    path = page.parent / "changed.html"
    path.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    return path


def test_the_library_is_what_was_published():
    folder = Path(interactive.__file__).parent
    for name, digest in interactive.VENDORED.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    assert "MIT License" in (folder / "uplot" / "LICENSE").read_text()
    assert "1.6.32" in (folder / "uplot" / "README.md").read_text()
    assert "v1.6.32" in (folder / "uplot" / "uPlot.iife.min.js").read_text(encoding="utf-8")[:80]


def test_a_page_of_all_events_stays_small(full):
    assert full.stat().st_size < LARGEST
    data = re.search(r'id="chart-data">(.*?)</script>', full.read_text(encoding="utf-8"))
    assert data is not None
    charts = json.loads(data[1])
    assert len(charts) == 24
    assert {len(line["v"]) for panel in charts[0]["event"]["panels"] for line in panel["lines"]} == {720}


def test_nothing_is_asked_of_a_network(page):
    text = page.read_text(encoding="utf-8")
    addresses = [attrs[key] for _, attrs in _Page(text).tags for key in ("src", "href") if attrs.get(key)]
    assert all(address.startswith(("#", "data:image/png")) for address in addresses)
    assert not {tag for tag, _ in _Page(text).tags} & {"iframe", "object", "embed", "link", "base", "form", "u"}
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|importScripts|\beval\(|new Function", text)
    assert "url(" not in text
    assert "@import" not in text


def test_only_the_pages_own_script_may_run(page):
    text = page.read_text(encoding="utf-8")
    scripts = [attrs for tag, attrs in _Page(text).tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "chart-data"}, {}]
    policy = next(attrs["content"] for tag, attrs in _Page(text).tags if attrs.get("http-equiv"))
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; {interactive.policy()}"
    body = re.findall(r"<script>(.*?)</script>", text, re.S)
    assert body == [str(interactive.script())]
    assert HOSTILE not in text
    assert not any("onerror" in attrs for _, attrs in _Page(text).tags)


def test_a_page_without_events_has_no_script(tmp_path):
    text = report.write(tmp_path / "report.html", [unit_with([])], ABOUT).read_text(encoding="utf-8")
    assert "script" not in {tag for tag, _ in _Page(text).tags}


def test_charts_are_told_to_those_who_do_not_see_them(page):
    tags = _Page(page.read_text(encoding="utf-8")).tags
    charts = [attrs for _, attrs in tags if attrs.get("class") == "chart"]
    assert [attrs["data-chart"] for attrs in charts] == ["0:event", "0:like"]
    assert all(attrs["tabindex"] == "0" and attrs["role"] == "application" for attrs in charts)
    assert charts[0]["aria-label"].startswith("Trends: cooling valve leaks, 2024-03-02 08:00 to")
    text = page.read_text(encoding="utf-8")
    assert "2024-03-02, event" in text
    assert "2024-03-01, fault-free" in text
    assert "roughly 250 kWh of cooling a day" in text


@chromium
def test_the_charts_are_drawn_and_no_name_runs(page):
    shown = browse(page, "--dump-dom")
    assert shown.count("<canvas") == 6  # three panels, twice
    assert "ran" not in re.findall(r"<title>(.*?)</title>", shown)
    labels = re.findall(r'class="u-label">(.*?)</div>', shown) or re.findall(r"u-label[^>]*>(.*?)<", shown)
    assert any("&lt;/script&gt;" in label for label in labels)


@chromium
def test_the_keyboard_moves_and_zooms(page):
    script = """setTimeout(() => {
      const box = document.querySelector('.chart'), said = [];
      const press = (key, shiftKey) => box.dispatchEvent(new KeyboardEvent('keydown', {key, shiftKey, bubbles: true}));
      const word = () => document.querySelector('[aria-live]').textContent.slice(0, 16);
      press('Home'); said.push(word());
      press('ArrowRight'); said.push(word());
      press('ArrowRight', true); said.push(word());
      press('ArrowLeft'); said.push(word());
      press('End'); said.push(word());
      document.title = said.join('|');
    }, 500)"""
    (title,) = re.findall(r"<title>(.*?)</title>", browse(with_script(page, script), "--dump-dom"))
    first, second, third, fourth, last = title.split("|")
    start = np.datetime64(first.replace(" ", "T"))
    minutes = [int((np.datetime64(word.replace(" ", "T")) - start).astype(int)) for word in (second, third, fourth)]
    assert minutes == [15, 165, 150]
    assert last > fourth


@chromium
def test_zoom_and_escape_change_all_panels(page):
    script = """setTimeout(() => {
      const box = document.querySelector('.chart');
      const press = key => box.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
      const range = () => JSON.stringify(box.chart.plots.map(p => [p.scales.x.min, p.scales.x.max]));
      setTimeout(() => { const whole = range(); press('+');
        setTimeout(() => { const near = range(); press('Escape');
          setTimeout(() => { document.title = [whole, near, range()].join('|'); }, 50); }, 50); }, 50);
    }, 500)"""
    (title,) = re.findall(r"<title>(.*?)</title>", browse(with_script(page, script), "--dump-dom"))
    whole, near, again = (json.loads(part) for part in title.split("|"))
    assert whole == again
    assert len({tuple(panel) for panel in near}) == 1
    assert near[0][1] - near[0][0] == pytest.approx((whole[0][1] - whole[0][0]) / 2)


@chromium
def test_a_unit_of_many_events_takes_two_sheets(full):
    target = full.parent / "page.pdf"
    browse(full, "--no-pdf-header-footer", f"--print-to-pdf={target}")
    assert len(re.findall(rb"/Type\s*/Page\b", target.read_bytes())) <= 2


@chromium
def test_a_phone_need_not_scroll_sideways(page):
    script = "onload = () => setTimeout(() => parent.postMessage(document.documentElement.scrollWidth, '*'), 800)"
    inner = with_script(page, script)
    frame = "<p>?</p><script>onmessage = e => document.querySelector('p').textContent = 'W' + e.data</script>"
    outer = page.parent / "outer.html"
    outer.write_text(f"{frame}<iframe src='{inner.name}' style='width:390px;height:900px;border:0'></iframe>")
    assert "W390<" in browse(outer, "--dump-dom")
