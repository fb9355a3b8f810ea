"""What a detection says of units: faults, unusual operation and a model that does not fit are three things."""

import dataclasses
import html
import json
import re

import pytest

from exp.detection.advice import meaning, names_in_words
from exp.detection.headline import headline
from exp.detection.record import Finding, Unit, in_order
from exp.detection.report import About, write
from exp.detection.status import Status, remedies, status_of
from exp.detection.summary import summary

CLASSES = ("AHU_annual", "coi_leakage_010", "coi_stuck_025")
WORDS = names_in_words(CLASSES, "AHU_annual")
LEAK = "cooling valve leaks, about 10 %"
ABOUT = About(
    model="DualGAFNet", data="fleet", classes=3, has_normal=True, window_seconds=3600, stride_seconds=3600,
    unknown_rate=0.05, false_alarm_rate=0.05, confirm=2, hold_hours=48, trained_on="simulated units drawn at random",
    simulated=True, by_days=False,
)  # fmt: skip


def event(fault: str, file: str = "a.csv", *, day: int = 1, within: str = "", confirmed: bool = True) -> Finding:
    named = fault != "unknown"
    return Finding(
        file=file, fault=fault, words=WORDS[fault], meaning=WORDS[fault], advice="Look.",
        start=f"2024-01-{day:02}T06:00:00", end=f"2024-01-{day + 1:02}T06:00:00", hours=24.0, windows=24,
        mean_confidence=0.8 if named else None, peak_confidence=0.9 if named else None, mean_novelty=0.99,
        peak_novelty=1.0, sensors=("SA_TEMP",), ongoing=False, evidence=None, within=within, confirmed=confirmed,
    )  # fmt: skip


def unit(file: str = "a.csv", *events: Finding, days: dict | None = None, **verdicts: int) -> Unit:
    """A unit with so many windows of each verdict; `no_answer` stands for "no answer"."""
    counts = {name.replace("no_answer", "no answer"): number for name, number in verdicts.items()}
    return Unit(
        file=file, start="2024-01-01T00:00:00", end="2024-02-01T00:00:00",
        spans=[("2024-01-01T00:00:00", "2024-02-01T00:00:00")],
        windows=sum(number for name, number in counts.items() if name != "no answer"), verdicts=counts,
        silent=[("2024-01-01T00:00:00", "2024-01-02T00:00:00", "OAT reads 140")] * counts.get("no answer", 0),
        cautions=[], findings=[dataclasses.replace(one, file=file) for one in events], single={}, days=days or {},
        names=WORDS,
    )  # fmt: skip


FREE = unit("normal.csv", normal=50, unknown=2)
FAULTY = unit("faulty.csv", event("coi_leakage_010"), event("unknown", day=5), normal=20, coi_leakage_010=24, unknown=9)
STRANGE = unit("strange.csv", event("unknown"), normal=40, unknown=13)
MISFIT = unit("misfit.csv", event("unknown"), unknown=41, no_answer=3, normal=9)
SILENT = unit("silent.csv")


@pytest.mark.parametrize(
    ("one", "status", "words"),
    [
        (FREE, Status.NORMAL, "No fault was found: 1 unit was evaluated, 52 windows of operation."),
        (FAULTY, Status.FAULTY, f"A fault was found in this unit: {LEAK}. Beside that the unit ran unusually once."),
        (STRANGE, Status.STRANGE, "No fault was named, but the unit ran unusually once in 53 windows of operation."),
        (
            MISFIT,
            Status.MISFIT,
            "The model does not fit this unit: 41 of 53 windows are unlike its training data, 3 have no answer, "
            "most often: OAT reads 140. What it says of the rest is no finding.",
        ),
        (SILENT, Status.SILENT, "Nothing could be evaluated; the table below says why."),
        (
            unit("a.csv", no_answer=5),
            Status.MISFIT,
            "Nothing could be evaluated, as the model does not fit this unit: 5 of 5 windows have no answer, "
            "most often: OAT reads 140.",
        ),
        (dataclasses.replace(FREE, single={"unknown": 2}), Status.NORMAL, "No fault was found: 1 unit was evaluated"),
        (dataclasses.replace(FREE, single={"coi_stuck_025": 1}), Status.SINGLE, "No event, but not all is normal"),
        (
            unit("a.csv", event("unknown"), normal=9, unknown=9),
            Status.STRANGE,
            "No fault was named",
        ),  # half is not most
        (
            unit("a.csv", event("unknown"), days={"unknown": 3, "normal": 2}, unknown=9, normal=20),
            Status.MISFIT,
            "3 of 5 days",
        ),
        (unit("a.csv", days={"unknown": 2, "normal": 3}, unknown=29, normal=20), Status.NORMAL, "No fault was found"),
    ],
)
def test_a_unit_has_one_status_and_its_sentence(one, status, words):
    assert status_of(one) is status
    assert words in headline([one], 2)


def test_all_unknown_is_no_fault_in_any_count():
    """All windows unknown are a misfit and not six events; a fault-free unit among eight is not called faulty."""
    unknown = unit("u.csv", *(event("unknown", day=day) for day in range(1, 7)), unknown=53)
    assert "event" not in headline([unknown], 2)
    found = json.loads(summary([unknown], ABOUT))
    assert found["units"]["faults"] == 0
    assert found["events"]["fault"] == 0
    eight = [FREE, STRANGE, MISFIT, SILENT, *(dataclasses.replace(FAULTY, file=f"{n}.csv") for n in range(4))]
    assert headline(eight, 2) == (
        "Faults were found in 4 of 8 units. 1 unit is normal. 1 unit ran unusually, without a fault that has a name. "
        "The model does not fit 1 unit: what it says there is no finding. 1 unit could not be evaluated."
    )
    assert headline([FREE, FREE], 2) == "No fault was found in 2 units."


def test_an_event_within_another_is_told_and_not_counted():
    inside = event("coi_stuck_025", day=2, within="2024-01-01T06:00:00")
    one = unit("a.csv", event("coi_leakage_010"), inside, coi_leakage_010=24, coi_stuck_025=3)
    words = "1 shorter event lies within, under another name."
    assert headline([one], 2) == f"A fault was found in this unit: {LEAK}. {words}"
    assert json.loads(summary([one], ABOUT))["events"]["fault"] == 1


def test_the_page_says_the_same_and_what_to_do_in_words_without_codes(tmp_path):
    units = [FREE, FAULTY, STRANGE, MISFIT, SILENT]
    page = write(tmp_path / "report.html", units, ABOUT).read_text(encoding="utf-8")
    text = html.unescape(" ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split()))
    assert headline(units, 2) in text
    assert "trained on simulated units drawn at random: simulated readings" in text
    assert "misfit.csv: 41 of 53 windows are unlike its training data" in text
    assert all(line in text for line in remedies(base=False))
    assert not re.search(r"coi_|AHU_annual", page)
    table = page[page.index("<table") : page.index("</table>")]
    assert table.index("Cooling valve leaks") < table.index("Unusual: unlike")
    assert table.count("no fault") == 3
    for status in ("faults", "unusual", "the model does not fit", "not evaluated", "normal"):
        assert status in text
    quiet = write(tmp_path / "quiet.html", [FREE], ABOUT).read_text(encoding="utf-8")
    assert "does not fit this unit" not in quiet
    assert "simulated" in quiet


def test_faults_with_a_name_come_first():
    found = in_order([event("unknown"), event("coi_stuck_025", confirmed=False), event("coi_leakage_010", day=3)])
    assert [finding.fault for finding in found] == ["coi_leakage_010", "unknown", "coi_stuck_025"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("coi_leakage_010", "cooling valve leaks, about 10 %"),
        ("coi_bias_-4", "supply-air temperature sensor reads about 4 \u00b0C too low"),
        ("damper_stuck_075", "outdoor-air damper stuck, about 75 % open"),
        ("VLVStuck_Heating_0%", "heating valve stuck shut"),
        ("Fouling_Cooling_Airside_Severe", "cooling coil fouled on the air side, severe"),
        ("SensorBias_HSP_+4inwg", "hot-deck static-pressure sensor reads about 4 in. w.g. too high"),
        ("Stuck OA Damper: Fully open (100%)", "outdoor-air damper stuck, fully open (100%)"),
        ("oa_damper_leak", "outdoor-air damper leaks"),
        ("my_fault", "my fault"),
    ],
)
def test_a_name_in_words(name, words):
    assert meaning(name) == words


def test_names_with_the_same_words_stay_apart():
    words = names_in_words(("ok", "stuck", "stuck actuator"), "ok")
    assert words["stuck"] == "an actuator is stuck (stuck)"
    assert len(set(words.values())) == len(words) - 1  # "normal" is the words of two
