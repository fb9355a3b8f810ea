"""What a fault's name means in words, and what to look at first.

Names of classes are the data set's own ("coi_stuck_025", "OA damper stuck"), so they are read by their words.
"""

import re
from collections import Counter
from collections.abc import Sequence

from exp.evaluation.decision import NO_ANSWER, NORMAL, UNKNOWN

_GRADES = ("minor", "moderate", "severe", "slight")
_UNITS = {"inwg": " in. w.g.", "c": " \u00b0C"}

_PRESSURE = "Compare the duct pressure sensor with a manometer and look for a blocked or loose tube."
_DAMPER_LEAKS = (
    "Command it closed and compare the mixed-air temperature with the return air; check blades, seals and linkage."
)
_DAMPER_STUCK = "Command the damper through its full travel and watch blades, linkage and actuator."
_UNSTABLE = "Trend the loop's output by the minute; if it swings, lower its gain or lengthen its integral time."

# The first rule whose pattern is found in the name's words decides: pattern, meaning, advice.
_RULES: tuple[tuple[str, str, str], ...] = (
    (r"^unknown$", "unusual: unlike the training data",
     "Look at the trends by hand: it may be a fault that training lacked, or unusual operation without a fault."),
    (r"\boa (sensor )?bias|outdoor.*(bias|sensor)", "outdoor-air temperature sensor reads wrong",
     "Compare the outdoor-air sensor with a hand-held or weather-station reading, and check its place: sun, exhaust."),
    (r"sensorbias csa", "cold-deck temperature sensor reads wrong",
     "Compare the cold-deck sensor with a hand-held reading downstream of the coil, then calibrate or replace it."),
    (r"sensorbias hsa", "hot-deck temperature sensor reads wrong",
     "Compare the hot-deck sensor with a hand-held reading downstream of the coil, then calibrate or replace it."),
    (r"\b(coi|sa) (sensor )?bias|supply.*(bias|sensor)", "supply-air temperature sensor reads wrong",
     "Compare the supply-air sensor with a hand-held reading downstream of the coil, then calibrate or replace it."),
    (r"sensorbias csp", "cold-deck static-pressure sensor reads wrong", _PRESSURE),
    (r"sensorbias hsp", "hot-deck static-pressure sensor reads wrong", _PRESSURE),
    (r"pressure.*bias", "duct static-pressure sensor reads wrong", _PRESSURE),
    (r"\bma (sensor )?bias|mixed.*(bias|sensor)", "mixed-air temperature sensor reads wrong",
     "Drive the outdoor-air damper fully open, then shut: mixed air should read as outdoor air, then as return air. An "
     "averaging sensor that hangs in one of the two streams reads like a fault too."),
    (r"\bra (sensor )?bias|return.*(bias|sensor)", "return-air temperature sensor reads wrong",
     "Compare the return-air sensor with a hand-held reading in the return duct and with the zones' temperatures."),
    (r"plant outage", "chilled or hot water is away",
     "Look at the plant's supply temperatures and pumps on that day; the unit itself need not be at fault."),
    (r"bias|sensor", "a sensor reads wrong",
     "Compare the sensor with a calibrated hand-held instrument, then calibrate or replace it."),
    (r"(?=.*heat)(?=.*leak)", "heating valve leaks",
     "With the heating command at zero, compare the air temperature before and after the heating coil; if it rises, "
     "check the valve's seat and its actuator's end position."),
    (r"(?=.*(cool|chwc|coi ))(?=.*leak)", "cooling valve leaks",
     "With the cooling command at zero, compare the air temperature before and after the cooling coil; if it falls, "
     "check the valve's seat and its actuator's end position."),
    (r"(?=.*(\boa\b|outdoor))(?=.*(damper|dmpr))(?=.*leak)", "outdoor-air damper leaks", _DAMPER_LEAKS),
    (r"(?=.*(damper|dmpr))(?=.*leak)", "a damper leaks", _DAMPER_LEAKS),
    (r"leak", "a valve or damper leaks",
     "Command it closed and measure whether anything still passes; check the seat, blades and linkage."),
    (r"(?=.*(damper|dmpr))(?=.*\bcold\b)", "cold-deck damper stuck", _DAMPER_STUCK),
    (r"(?=.*(damper|dmpr))(?=.*\bhot\b)", "hot-deck damper stuck", _DAMPER_STUCK),
    (r"(?=.*heat)(?=.*stuck)", "heating valve stuck",
     "Command the heating valve through its full travel and watch the stem and the temperature behind the coil."),
    (r"(?=.*(cool|chwc|coi ))(?=.*stuck)", "cooling valve stuck",
     "Command the cooling valve through its full travel and watch the stem and the temperature behind the coil."),
    (r"(?=.*(\boa\b|outdoor))(?=.*(damper|dmpr))|^damper stuck", "outdoor-air damper stuck",
     "Command the outdoor-air damper through its full travel and watch blades and linkage; compare the mixed-air "
     "temperature with outdoor and return air."),
    (r"damper|dmpr", "a damper is stuck", _DAMPER_STUCK),
    (r"(?=.*foul)(?=.*heat)", "heating coil fouled",
     "Inspect the heating coil and compare its pressure drop and heat with the data sheet."),
    (r"(?=.*foul)(?=.*cool)", "cooling coil fouled",
     "Inspect the cooling coil and compare its pressure drop and heat with the data sheet."),
    (r"foul", "a coil or filter is fouled",
     "Inspect filters and coils and compare the pressure drop with the data sheet."),
    (r"(?=.*cool)(?=.*(unstable|hunt|oscillat|seq))", "cooling control is unstable", _UNSTABLE),
    (r"(?=.*heat)(?=.*(unstable|hunt|oscillat|seq))", "heating control is unstable", _UNSTABLE),
    (r"unstable|hunt|oscillat|seq", "a control loop is unstable", _UNSTABLE),
    (r"fan.*(stuck|fix|fail|speed|belt)|belt", "a fan does not follow its command",
     "Compare the fan's commanded and measured speed; check drive, belt and override."),
    (r"stuck|fix", "an actuator is stuck", "Command it through its full travel and watch whether it moves."),
)  # fmt: skip
_OTHER = "Compare the sensors named with their values on fault-free days, then inspect the part named by the fault."


def advice(fault: str) -> str:
    """What to do first about a fault, in a sentence."""
    return next((words for pattern, _, words in _RULES if re.search(pattern, _plain(fault))), _OTHER)


def meaning(fault: str) -> str:
    """A fault's name in words, with the size that it carries: "cooling valve leaks, about 10 %".

    The name itself, without underscores, where its words say nothing.
    """
    name, _, severity = fault.partition(": ")  # as `--label severity` joins them
    plain = _plain(name)
    words = next((words for pattern, words, _ in _RULES if re.search(pattern, plain)), "")
    if not words:
        return " ".join(fault.replace("_", " ").split())
    words += next((f" on the {side} side" for side in ("air", "water") if f"{side}side" in plain), "")
    grade = re.search(rf"\b({'|'.join(_GRADES)})$", plain)
    number = re.search(r"(?<![\w.])([+-]?\d+(?:\.\d+)?)\s*(%|c|inwg)?$", plain)
    if number:
        words = _sized(words, float(number[1]), number[2] or "c" * bool(re.match(r"(coi|oa|sa) ", plain)))
    return words + (f", {grade[1]}" if grade else "") + (f", {severity[:1].lower()}{severity[1:]}" if severity else "")


def names_in_words(classes: Sequence[str], normal: str | None) -> dict[str, str]:
    """Every verdict of a model -> its words; names that would have the same words keep the name beside them."""
    words = {name: NORMAL if name == normal else meaning(name) for name in classes}
    shared = {text for text, number in Counter(words.values()).items() if number > 1}
    words = {name: f"{text} ({name})" if text in shared else text for name, text in words.items()}
    return {**words, NORMAL: NORMAL, UNKNOWN: meaning(UNKNOWN), NO_ANSWER: NO_ANSWER}


def _sized(words: str, size: float, unit: str) -> str:
    """A meaning with how much of it there is."""
    if "reads wrong" in words:
        much = f"{abs(size):g}{_UNITS.get(unit, '')}"
        return words.replace("reads wrong", f"reads about {much} too {'high' if size > 0 else 'low'}")
    if "stuck" in words:
        ends = {0.0: f"{words} shut", 100.0: f"{words} fully open"}
        return ends.get(size, f"{words}, about {size:g} % open")
    return f"{words}, about {size:g} %"


def _plain(fault: str) -> str:
    """A name in small letters, its words apart; a sign before a number stays."""
    words = re.sub(r"(?<=[A-Za-z])_(?=[+-]?\d)|_", " ", fault)
    return " ".join(re.sub(r"\s+annual\b", "", words.lower()).split())
