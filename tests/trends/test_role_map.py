"""The role map as text: what stands beside a guess, and what a second `doctor` leaves as a person wrote it."""

import dataclasses

import numpy as np
import pytest
import yaml

from data_provider.trends.assignment import Column
from data_provider.trends.columns import signals_of
from data_provider.trends.guess import Guess
from data_provider.trends.role_map import Content, kept, updated, written
from data_provider.trends.units import UNITS as KNOWN
from tests.trends.kit import COLUMNS, UNITS, clock, unit_readings

NAMES = ("SAT", "OAT", "RAT", "SAF", "DSP", "OAD", "SF KW")
SIGNALS = signals_of(COLUMNS, UNITS, None)
TIMES = clock(rows=96, start="2018-03-02T00:00")


def content(*, doubt: str = "", without: tuple[str, ...] = (), names: tuple[str, ...] = NAMES) -> Content:
    values = unit_readings(96)
    values[:, 6] = 0.0
    values[60, 6] = 1240.0
    guesses = [
        Guess(signal, place, KNOWN["W"] if place == 6 else signal.unit, doubt if place == 0 else "")
        for place, signal in enumerate(SIGNALS)
        if signal.column not in without
    ]
    columns = {place: Column(name, values[:, place], None) for place, name in enumerate(NAMES)}
    return Content(guesses, columns, dict(enumerate(names)), "ahu.csv", TIMES, None)


def line_of(text: str, role: str) -> str:
    [line] = [line for line in text.splitlines() if line.startswith((f"{role}: {{", f"# {role}: {{"))]
    return line


def test_beside_a_guess_stand_its_kind_its_unit_and_a_reading_while_the_unit_works():
    text = written(content(doubt="by a similar name"))
    assert line_of(text, "SF_WAT") == 'SF_WAT: {column: "SF KW", unit: W}  # supply fan power, W; 1240 on 2 March'
    assert line_of(text, "OA_DMPR_DM").startswith(
        'OA_DMPR_DM: {column: OAD, unit: "0-1"}  # outdoor air damper command'
    )
    assert line_of(text, "SA_TEMP").endswith("on 2 March  # check: by a similar name")
    assert [role for role in COLUMNS if "# check" in line_of(text, role)] == ["SA_TEMP"]
    assert {role: entry["column"] for role, entry in yaml.safe_load(text).items()} == dict(
        zip(COLUMNS, NAMES, strict=True)
    )


def test_what_nothing_is_like_is_a_comment():
    shown = content()
    open_one = Guess(SIGNALS[3], None, None, "")
    text = written(dataclasses.replace(shown, guesses=[open_one]))
    assert line_of(text, "SA_CFM") == "# SA_CFM: {column: ..., unit: CFM}  # check: nothing in the file looks like it"
    assert yaml.safe_load(text) is None


def test_doctors_own_lines_are_brought_up_to_date():
    text = written(content(doubt="by a similar name"))
    again = updated(text, content(names=("Other", *NAMES[1:])))
    assert line_of(again, "SA_TEMP").startswith("SA_TEMP: {column: Other, unit: F}  # supply air temperature, F; ")
    assert "# check:" not in again
    assert updated(again, content(names=("Other", *NAMES[1:]))) == again  # and a third call changes nothing
    assert kept(again).strip() == ""


MINE = {
    "a corrected column": ("SA_TEMP: {column: SAT", "SA_TEMP: {column: Mine"),
    "a corrected unit": ("SA_TEMP: {column: SAT, unit: F", "SA_TEMP: {column: SAT, unit: C"),
    "a check that is done": ("  # check: by a similar name", ""),
    "another comment": ("# check: by a similar name", "# check: asked Jo, it is right"),
    "a longer form": ("SA_TEMP: {column: SAT, unit: F}", "SA_TEMP:\n  column: SAT\n  unit: F"),
    "a line out of use": ("SA_TEMP: {", "#SA_TEMP: {"),
}


@pytest.mark.parametrize("change", MINE.values(), ids=MINE)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_what_a_person_changed_or_added_stays(change, end):
    before, after = change
    text = written(content(doubt="by a similar name"))
    assert before in text
    edited = ("# seen by Jo, 3 May\n" + text.replace(before, after) + "\n# a last word\n").replace("\n", end)
    mine = [line for line in edited.split(end) if line not in text.split("\n")]
    own = () if after.startswith("#SA") else ("SA_TEMP",)  # the roles that doctor finds settled
    again = updated(edited, content(without=own, names=("Other", *NAMES[1:])))
    assert [line for line in again.split(end) if line in mine] == mine
    assert "Other" not in again
    assert ("\r\n" in again) == (end == "\r\n")
    assert again.count("SA_TEMP") == edited.count("SA_TEMP")


def test_a_map_without_marks_is_a_persons_whole():
    """As one that was written by hand, or by an earlier version: only what it does not name is added."""
    text = "RA_TEMP: {column: RAT, unit: F}   # Jo\nSA_TEMP: SAT\n"
    again = updated(text, content(without=("RA_TEMP", "SA_TEMP")))
    assert again.startswith(text)
    assert {*yaml.safe_load(again)} == {*COLUMNS}
    assert kept(again).strip() == text.strip()


def test_a_role_that_is_no_longer_asked_for_goes_with_doctors_line():
    again = updated(written(content()), content(without=("SF_WAT",)))
    assert "SF_WAT" not in again
    assert {*yaml.safe_load(again)} == {*COLUMNS} - {"SF_WAT"}


def test_readings_and_names_that_are_odd_make_no_odd_lines():
    odd = ('=1+1 "x" {y} # z', "'q'", "- dash", "yes", "1e3", "\u00e4\u00b0", "a\nb: c")
    shown = content(names=odd)
    values = np.full(96, np.nan)
    columns = {place: Column(name, values, None) for place, name in enumerate(odd)}
    text = written(dataclasses.replace(shown, columns=columns, times=None))
    assert [entry["column"] for entry in yaml.safe_load(text).values()] == list(odd)
    assert " on " not in line_of(text, "SA_TEMP")
