"""Words of states: those that are known in any case, those that the role map explains, and those that nobody knows."""

import numpy as np
import pyarrow as pa
import pytest

from data_provider.trends.cells import numbers_of
from data_provider.trends.files import trend_files
from data_provider.trends.request import Request
from data_provider.trends.roles import read_roles
from data_provider.trends.states import STATES
from data_provider.trends.trend import read_trend
from tests.trends.kit import clock
from utils.errors import UserError

COLUMNS, UNITS = ("SA_TEMP", "OA_DMPR_DM", "SYS_CTL"), ("F", "", "")


def read(words, states=STATES):
    cells = numbers_of(pa.array(words), ".", states=states, number=pa.float64())
    return cells.values.tolist(), cells.unread


@pytest.mark.parametrize(
    ("on", "off"),
    [
        ("On", "Off"), ("Enabled", "Disabled"), ("START", "Stop"), ("Occ", "Unocc"), ("Occupied", "UnOccupied"),
        ("Open", "Close"), ("open", "closed"), ("Run", "Idle"), ("Running", "Stopped"), ("Yes", "No"),
        ("True", "False"),
        ("On (1)", "Off (0)"), ("On {ok}", "Off {ok}"), ("Active", "Inactive"), ("Ein", "Aus"), ("Auf", "Zu"),
    ],
)  # fmt: skip
def test_pairs_of_words_are_known_in_any_case(on, off):
    for pair in ((on, off), (on.upper(), off.upper()), (on.lower(), off.lower())):
        values, unread = read([*pair, pair[0]])
        assert values == [1, 0, 1]
        assert not unread
    assert np.isnan(read([on, off], {})[0]).all()  # no temperature is "off"


def trend(tmp_path, mode, roles=""):
    """What detection reads of a file with these words in the column that says when the unit works."""
    table = zip(clock(rows=len(mode)).astype(str), 55 + np.arange(len(mode)) % 3, mode, strict=True)
    lines = [
        "Datetime,SA_TEMP,OA_DMPR_DM,SYS_CTL",
        *(f"{time},{value},{state},{state}" for time, value, state in table),
    ]
    (tmp_path / "ahu.csv").write_text("\n".join(lines))
    (tmp_path / "roles.yaml").write_text(roles)
    request = Request(
        columns=COLUMNS,
        units=UNITS,
        period_seconds=300,
        roles=read_roles(tmp_path / "roles.yaml", columns=COLUMNS, units=UNITS) if roles else None,
        working_column="SYS_CTL",
    )
    return read_trend(trend_files(tmp_path / "ahu.csv")[0], request)


def test_an_unknown_word_is_refused_where_it_decides(tmp_path):
    found = trend(tmp_path, ["On"] * 20 + ["Standby"] + ["Off"] * 20)
    assert found.fatal.reason == (
        "line 22, SYS_CTL: 'Standby' is not a state that is known, and SYS_CTL says when the unit works; "
        "say in the role map what it means: states: {Standby: 0}, or 1 while the unit works"
    )
    assert any("OA_DMPR_DM: 1 cells are not numbers, the first 'Standby'" in p.reason for p in found.problems)


def test_the_role_map_says_what_a_word_means(tmp_path):
    roles = (
        "SYS_CTL: {column: SYS_CTL, states: {standby: on}}\nOA_DMPR_DM: {column: OA_DMPR_DM, states: {Standby: 0.25}}"
    )
    found = trend(tmp_path, ["On"] * 20 + ["Standby"] * 5 + ["Off"] * 20, roles)
    assert not found.fatal
    np.testing.assert_array_equal(found.values[:, 2], [1] * 25 + [0] * 20)
    np.testing.assert_array_equal(found.values[18:27, 1], [1, 1, *[0.25] * 5, 0, 0])


@pytest.mark.parametrize("states", ["on", "[Standby]", "{Standby: away}"])
def test_states_of_a_role_map_are_words_and_numbers(tmp_path, states):
    (tmp_path / "roles.yaml").write_text(f"SYS_CTL: {{column: SYS_CTL, states: {states}}}")
    with pytest.raises(UserError, match=r"roles.yaml: SYS_CTL: write states as \{Standby: 0, Boost: 1\}"):
        read_roles(tmp_path / "roles.yaml", columns=COLUMNS)
