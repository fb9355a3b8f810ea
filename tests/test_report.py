"""report.html: made from the folder alone, whole, harmless, honest about leaks, and readable on a phone."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from exp.reporting import training_report
from exp.reporting.page import cell, duration, file_size, percent, tables
from tests import fake_run
from utils.errors import UserError

VOID = {"meta", "img", "br", "link", "hr"}
# The scheme of what may be loaded, and attributes that load or run something.
LOADING = {"src", "srcset", "action", "formaction", "poster", "background", "data"}


class Page(HTMLParser):
    """A page taken apart; fails where tags do not close in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.html = path.read_text(encoding="utf-8")
        self.feed(self.html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> in the wrong place"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())

    def loaded(self) -> list[str]:
        return [value or "" for _, found in self.tags for name, value in found.items() if name in LOADING]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with figures, made once; tests that change it take a copy."""
    return fake_run.make(tmp_path_factory.mktemp("runs") / "20261122-014455-0")


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / finished.name)


def change(run: Path, how: Callable[[dict[str, Any]], object]) -> None:
    """Rewrite metrics.json."""
    path = run / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    how(metrics)
    path.write_text(json.dumps(metrics), encoding="utf-8")


def test_the_page_tells_the_run(run: Path) -> None:
    path = training_report.write(run)
    assert path == run / "report.html"
    text = Page(path).text
    # title
    assert "DualGAFNet on DualGAF" in text
    assert "baseline" in text
    assert "2026-11-22 01:44" in text
    # summary, from the numbers in metrics.json
    assert "474 of 540 test windows" in text
    assert "87.8 % (95 % interval 83.4 % to 90.4 %)" in text
    assert "the most frequent state in training, would score 11.1 %" in text
    assert "Of 60 fault-free windows 3 (5.0 %) raised a false alarm; of 480 faulty windows 18 (3.8 %)" in text
    assert "calendar blocks of 7 days" in text
    # mistakes in words
    assert "damper_stuck_075 taken for AHU_annual in 13 of 60 windows (21.7 %)" in text
    # data, training, command
    assert "4,730,400" in text
    assert "first rows after a start 11,232" in text
    assert "16 windows an optimizer step, read in micro-batches of 4" in text
    assert "0.001 falling to 0.00025" in text
    assert "python run.py --batch_size 4 --enable_auto_gradient_accumulation --des baseline --seed 0" in text
    assert "This split leaks" not in text


def test_every_metric_stands_with_both_parts_and_intervals(run: Path) -> None:
    change(run, lambda m: m["test"].update(own_metric={"value": 0.5, "low": None, "high": None}))
    text = Page(training_report.write(run)).text
    assert re.search(r"Macro-F1 mean of .* alike 0\.822 0\.781 . 0\.846 0\.877 0\.834 . 0\.904", text)
    assert "own metric - 0.500 no interval" in text


def test_classes_are_sorted_from_the_worst_and_bars_have_their_length(run: Path) -> None:
    page = Page(training_report.write(run))
    bars = [float(style[6:-1]) for tag, found in page.tags if tag == "span" and (style := found.get("style"))]
    f1 = [100 * values["f1"] for values in json.loads((run / "metrics.json").read_text())["test"]["per_class"].values()]
    assert bars == pytest.approx(sorted(f1))


def test_the_surest_mistakes_come_from_the_predictions(run: Path) -> None:
    rows = fake_run.read_csv(run / "predictions_test.csv")
    wrong = max((row for row in rows if row["target"] != row["predicted"]), key=lambda row: float(row["confidence"]))
    text = Page(training_report.write(run)).text
    start = wrong["start"].replace("T", " ")[:16]
    share = percent(float(wrong["confidence"])).replace("\u00a0", " ")
    assert f"{wrong['file']} {start} to 13:55 {wrong['target']} {wrong['predicted']} {share}" in text


def test_the_page_loads_nothing_and_carries_the_figures(run: Path) -> None:
    page = Page(training_report.write(run))
    drawn = {path.stem: path.read_bytes() for path in (run / "figures").glob("*.png")}
    carried = {base64.b64decode(uri.removeprefix("data:image/png;base64,")) for uri in page.loaded()}
    assert carried == {content for name, content in drawn.items() if name != "class_bars"}
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object", "embed", "link", "base", "form"}
    assert not re.search(r"https?:|url\(|@import", page.html)
    policy = [found["content"] for tag, found in page.tags if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert all(found.get("alt") for tag, found in page.tags if tag == "img")


def test_links_lead_to_files_of_the_folder_and_to_sections(run: Path) -> None:
    (run / "a b#c?.txt").write_text("x")
    page = Page(training_report.write(run))
    places = {found["id"] for _, found in page.tags if "id" in found}
    links = [found["href"] or "" for tag, found in page.tags if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= places
    files = [link for link in links if not link.startswith("#")]
    assert "a%20b%23c%3F.txt" in files
    assert {"config.yaml", "metrics.json", "predictions_test.csv", "figures/", "model/"} <= set(files)
    assert "1.7 MB" in page.text


def test_each_file_of_a_run_is_listed_with_its_purpose(run: Path) -> None:
    for name in ("training.log", "best_model_summary.csv", "predictions_val.csv", "mlflow.json"):
        (run / name).write_text("", encoding="utf-8")
    for name in ("model", "checkpoints", "tensorboard"):
        (run / name).mkdir(exist_ok=True)
    (run / "notes.txt").write_text("the user's own", encoding="utf-8")
    listed = Page(training_report.write(run)).text
    for line in (
        r"config\.yaml every option of the run",
        r"metrics\.json all numbers of this page",
        r"training\.log what the run said",
        r"training_metrics\.csv a row an epoch",
        r"best_model_summary\.csv the headline numbers, one row",
        r"predictions_val\.csv every validation window",
        r"predictions_test\.csv every test window",
        r"mlflow\.json which MLflow run this is",
        r"figures/ the pictures as PNG",
        r"model/ weights and settings",
        r"checkpoints/ the state to go on from",
        r"tensorboard/ what TensorBoard shows",
        r"notes\.txt \d",  # no purpose is known: its size follows
    ):
        assert re.search(line, listed), line


def test_a_leaking_split_is_said_in_red_before_any_number(tmp_path: Path, finished: Path) -> None:
    run = fake_run.make(tmp_path / "r", leaking=True, draw=False)
    shutil.copytree(finished / "figures", run / "figures")
    page = Page(training_report.write(run))
    assert page.text.index("This split leaks") < page.text.index("474 of 540")
    assert any(found.get("class") == "note bad" for _, found in page.tags)
    assert "random split of windows" in page.text


def agree(part: dict[str, Any]) -> None:
    """Makes windows and accuracy those of the matrix, without which no report believes them."""
    part["windows"] = sum(map(sum, part["confusion"]))
    part["accuracy"]["value"] = sum(row[k] for k, row in enumerate(part["confusion"])) / part["windows"]


def test_what_weakens_the_numbers_is_said(run: Path) -> None:
    def weaken(metrics: dict[str, Any]) -> None:
        metrics["test"]["blocks"] = 1
        metrics["test"]["accuracy"]["low"] = 0.05
        metrics["test"]["confusion"][4] = [0] * 9
        metrics["test"]["per_class"]["coi_leakage_010"] = {"precision": None, "recall": None, "f1": None, "support": 0}
        agree(metrics["test"])

    change(run, weaken)
    text = Page(training_report.write(run)).text
    assert "No better than guessing" in text
    assert "only 1 block of time" in text
    assert "has no window of coi_leakage_010" in text


def test_without_a_test_part_validation_is_reported_as_such(run: Path) -> None:
    change(run, lambda metrics: metrics.update(test=None))
    (run / "predictions_test.csv").unlink()
    text = Page(training_report.write(run)).text
    assert "No test part was evaluated" in text
    assert "validation windows: an accuracy of 82.2 %" in text


def test_without_a_fault_free_class_and_without_mistakes(run: Path) -> None:
    def perfect(metrics: dict[str, Any]) -> None:
        metrics["data"]["normal"] = None
        metrics["test"]["confusion"] = [[60 * (i == j) for j in range(9)] for i in range(9)]
        agree(metrics["test"])

    change(run, perfect)
    (run / "predictions_test.csv").write_text("file,start,end,target,predicted,confidence\n")
    text = Page(training_report.write(run)).text
    assert "false alarm" not in text
    assert "No test window was taken for another state." in text


def test_hostile_names_stay_text(tmp_path: Path, finished: Path) -> None:
    classes = (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}",
        "&amp;",
        "a'b",
        "\u6d4b\u8bd5",
    )
    run = fake_run.make(tmp_path / "r", classes=classes, draw=False, des="\"quoted\" 'des' </title><u>")
    shutil.copytree(finished / "figures", run / "figures")
    change(run, lambda m: m["data"]["report"].update({"<i>": "</table><script>", "list": [{"<u>": "<u>"}]}))
    page = Page(training_report.write(run))
    for name in (*classes, "\"quoted\" 'des' </title><u>", "</table><script>", "<u>"):
        assert name in page.text
    assert not {"script", "u"} & {tag for tag, _ in page.tags}
    assert all(uri.startswith("data:image/png;base64,") for uri in page.loaded())
    assert not any(name.startswith("on") for _, found in page.tags for name in found)


def test_a_link_to_the_folder_serves(run: Path) -> None:
    (run.parent / "latest").symlink_to(run.name)
    assert training_report.write(run.parent / "latest") == run / "report.html"


def test_extra_figures_stand_behind_the_known_ones(run: Path) -> None:
    shutil.copy(run / "figures" / "curves.png", run / "figures" / "confusion_matrix_val.png")
    shutil.copy(run / "figures" / "curves.png", run / "figures" / "a_new_one.png")
    titles = [found["alt"] for tag, found in Page(training_report.write(run)).tags if tag == "img"]
    assert titles[:2] == ["Confusion matrix", "Confusion matrix, val"]
    assert titles[-1] == "a new one"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("config.yaml", None, "is not a run folder.* train writes one"),
        ("config.yaml", "a: [", "not YAML.* train"),
        ("config.yaml", "- list", "lacks 'data'"),
        ("metrics.json", None, "has no metrics.json: its training has not ended; go on with: python run.py --resume"),
        ("metrics.json", '{"data": ', "not JSON.*python run.py test --run"),
        ("metrics.json", "{}", "lacks 'data'; write it again with: python run.py test --run"),
        ("training_metrics.csv", None, "has no training_metrics.csv; train again: python run.py --batch_size 4"),
        ("training_metrics.csv", "epoch,learning_rate,effective_batch_size,optimizer_steps\n", "has no epoch"),
        ("training_metrics.csv", "epoch\n1\n", "lacks 'learning_rate'"),
        ("predictions_test.csv", None, "has no predictions_test.csv; write it with: python run.py test --run"),
        ("predictions_test.csv", "file,start,end,target,predicted,confidence\na,b\n", "breaks off"),
        ("predictions_test.csv", "\x00\xff", "not CSV|lacks 'file'"),
        ("figures", None, "has no figures; draw them with: python run.py report --run"),
        ("figures/curves.png", "no picture", "is not a PNG file; draw it again with"),
    ],
)
def test_what_is_missing_or_broken_is_named_with_the_remedy(
    run: Path, name: str, content: str | None, says: str
) -> None:
    path = run / name
    if content is not None:
        path.write_text(content, encoding="latin-1")
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    with pytest.raises(UserError, match=says) as caught:
        training_report.write(run)
    assert "\n" not in str(caught.value)
    assert not (run / "report.html").exists()


def test_a_matrix_that_does_not_fit_the_classes_is_refused(run: Path) -> None:
    change(run, lambda metrics: metrics["test"]["confusion"].pop())
    with pytest.raises(UserError, match="'test' does not fit the 9 classes"):
        training_report.write(run)


def test_numbers_as_people_write_them() -> None:
    written = [duration(278.4), duration(28800), duration(0.04), duration(90061), duration(3605)]
    assert [text.replace("\u00a0", " ") for text in written] == ["4 min 38 s", "8 h", "0.0 s", "1 d 1 h", "1 h"]
    assert [file_size(n) for n in (0, 999, 1500, 1_651_492)] == ["0 B", "999 B", "1.5 kB", "1.7 MB"]
    assert [cell(v) for v in (None, True, 999, 12345, 0.1, [1, "a"], [], {"a": 1})] == [
        *("-", "yes", "999", "12,345", "0.1", "1, a", "none", '{"a": 1}')
    ]


def test_tables_of_any_plain_values() -> None:
    facts = {
        "rows_read": 3,
        "dropped": {"off_time": 1},
        "none": {},
        "files": [{"a": 1}, {"b": 2}],
        "by": {"x": {"n": 1}},
    }
    first, dropped, files, by = tables("Read", facts)
    assert (first.title, first.rows) == ("Read", (("rows read", 3), ("none", "none")))
    assert (dropped.title, dropped.header, dropped.rows) == ("dropped", (), (("off time", 1),))
    assert (files.header, files.rows) == (("a", "b"), ((1, ""), ("", 2)))
    assert (by.header, by.rows) == (("", "n"), (("x", 1),))


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_no_wider_than_the_window(tmp_path: Path, finished: Path, width: int) -> None:
    classes = tuple(f"DualDuct_Fouling_Cooling_Waterside_Moderate_{n}" for n in range(12)) + ("x" * 90,)
    run = fake_run.make(tmp_path / "r", classes=classes, draw=False, des="d" * 80)
    shutil.copytree(finished / "figures", run / "figures")
    change(run, lambda metrics: metrics.update(command="python run.py --root_path " + "very_long/" * 30))
    page = training_report.write(run).read_text(encoding="utf-8")
    measure = "<script>onload = () => parent.postMessage(document.documentElement.scrollWidth, '*')</script>"
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</body>", measure + "</body>")
    (tmp_path / "inner.html").write_text(page, encoding="utf-8")
    # a headless window is never narrower than 500 pixels, a frame can be
    frame = "<p>?</p><script>onmessage = e => document.querySelector('p').textContent = 'W' + e.data</script>"
    frame += f"<iframe src='inner.html' style='width:{width}px;height:900px;border:0'></iframe>"
    (tmp_path / "outer.html").write_text(frame, encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000"]
    shown = subprocess.run([*command, f"file://{tmp_path / 'outer.html'}"], capture_output=True, text=True)
    assert f"W{width}<" in shown.stdout
