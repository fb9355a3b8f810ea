"""The facts of the data survive being stored, with the same keys in the same order."""

import json

from data_provider.frames import DataInfo

INFO = DataInfo(
    data="folder",
    columns=("supply", "return"),
    units=("C", ""),
    classes=("normal", "stuck"),
    normal="normal",
    period_seconds=60,
    seq_len=30,
    step=15,
    counts={"train": (5, 3), "val": (2, 1)},
    protocol="by day",
    leaking=False,
)


def test_the_facts_come_back_from_json():
    assert DataInfo.from_dict(json.loads(json.dumps(INFO.to_dict()))) == INFO


def test_the_stored_keys_keep_their_order_and_hold_no_report():
    assert " ".join(INFO.to_dict()) == (
        "data columns units classes normal period_seconds seq_len step protocol leaking counts"
    )


def test_keys_of_other_facts_beside_them_are_ignored():
    assert DataInfo.from_dict(INFO.to_dict() | {"format": 1, "scaler": {}, "report": {"files": []}}) == INFO
