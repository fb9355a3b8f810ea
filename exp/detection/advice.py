"""What a fault's name means, and what to look at first: one sentence each.

Names of classes are the data set's own ("coi_stuck_025", "OA damper stuck"), so they are read by their words.
"""

import re

UNKNOWN = "unknown"

# The first rule whose pattern is found in the name's words decides: pattern, meaning, advice.
_RULES: tuple[tuple[str, str, str], ...] = (
    (r"^unknown$", "unlike anything that the model was trained on",
     "Look at the trends by hand: it may be a fault that training lacked, or unusual operation without a fault."),
    (r"\boa (sensor )?bias|outdoor.*(bias|sensor)", "outdoor-air temperature sensor reads wrong",
     "Compare the outdoor-air sensor with a hand-held or weather-station reading, and check its place: sun, exhaust."),
    (r"\b(coi|sa) (sensor )?bias|supply.*(bias|sensor)|sensorbias (csa|hsa)",
     "supply-air temperature sensor reads wrong",
     "Compare the supply-air sensor with a hand-held reading downstream of the coil, then calibrate or replace it."),
    (r"sensorbias (csp|hsp)|pressure.*bias", "duct static-pressure sensor reads wrong",
     "Compare the duct pressure sensor with a manometer and look for a blocked or loose tube."),
    (r"\bma (sensor )?bias|mixed.*(bias|sensor)", "mixed-air temperature sensor reads wrong",
     "Drive the outdoor-air damper fully open, then shut: mixed air should read as outdoor air, then as return air. An "
     "averaging sensor that hangs in one of the two streams reads like a fault too."),
    (r"\bra (sensor )?bias|return.*(bias|sensor)", "return-air temperature sensor reads wrong",
     "Compare the return-air sensor with a hand-held reading in the return duct and with the zones' temperatures."),
    (r"plant outage", "chilled or hot water is away",
     "Look at the plant's supply temperatures and pumps on that day; the unit itself need not be at fault."),
    (r"bias|sensor", "a sensor reads wrong",
     "Compare the sensor with a calibrated hand-held instrument, then calibrate or replace it."),
    (r"(?=.*heat)(?=.*leak)", "heating-coil valve leaks",
     "With the heating command at zero, compare the air temperature before and after the heating coil; if it rises, "
     "check the valve's seat and its actuator's end position."),
    (r"(?=.*(cool|chwc|coi ))(?=.*leak)", "cooling-coil valve leaks",
     "With the cooling command at zero, compare the air temperature before and after the cooling coil; if it falls, "
     "check the valve's seat and its actuator's end position."),
    (r"(?=.*(damper|dmpr))(?=.*leak)", "a damper leaks",
     "Command it closed and compare the mixed-air temperature with the return air; check blades, seals and linkage."),
    (r"leak", "a valve or damper leaks",
     "Command it closed and measure whether anything still passes; check the seat, blades and linkage."),
    (r"(?=.*heat)(?=.*stuck)", "heating-coil valve is stuck",
     "Command the heating valve through its full travel and watch the stem and the temperature behind the coil."),
    (r"(?=.*(cool|chwc|coi ))(?=.*stuck)", "cooling-coil valve is stuck",
     "Command the cooling valve through its full travel and watch the stem and the temperature behind the coil."),
    (r"(?=.*(\boa\b|outdoor))(?=.*(damper|dmpr))|^damper stuck", "outdoor-air damper is stuck",
     "Command the outdoor-air damper through its full travel and watch blades and linkage; compare the mixed-air "
     "temperature with outdoor and return air."),
    (r"damper|dmpr", "a damper is stuck",
     "Command the damper through its full travel and watch blades, linkage and actuator."),
    (r"(?=.*foul)(?=.*heat)", "heating coil is fouled",
     "Inspect the heating coil and compare its pressure drop and heat with the data sheet."),
    (r"(?=.*foul)(?=.*cool)", "cooling coil is fouled",
     "Inspect the cooling coil and compare its pressure drop and heat with the data sheet."),
    (r"foul", "a coil or filter is fouled",
     "Inspect filters and coils and compare the pressure drop with the data sheet."),
    (r"unstable|hunt|oscillat|seq", "a control loop is unstable",
     "Trend the loop's output by the minute; if it swings, lower its gain or lengthen its integral time."),
    (r"fan.*(stuck|fix|fail|speed|belt)|belt", "a fan does not follow its command",
     "Compare the fan's commanded and measured speed; check drive, belt and override."),
    (r"stuck|fix", "an actuator is stuck", "Command it through its full travel and watch whether it moves."),
)  # fmt: skip
_OTHER = "Compare the sensors named with their values on fault-free days, then inspect the part named by the fault."


def advice(fault: str) -> str:
    """What to do first about a fault, in a sentence."""
    return next((words for pattern, _, words in _RULES if re.search(pattern, _plain(fault))), _OTHER)


def meaning(fault: str) -> str:
    """What a fault's name means, with the number or severity that it carries; the name itself where nobody knows."""
    plain = _plain(fault)
    found = next((words for pattern, words, _ in _RULES if re.search(pattern, plain)), "")
    if not found:
        return " ".join(fault.replace("_", " ").split())
    number = re.search(r"(?<![\w.])([+-]?\d+(?:\.\d+)?)\s*(%|c|inwg)?$", plain)
    if not number:
        return found
    size = float(number[1])
    if "bias" in plain or "reads wrong" in found:
        unit = {"inwg": " in. w.g.", "c": " \u00b0C"}.get(number[2] or "c" * bool(re.match(r"(coi|oa|sa) ", plain)), "")
        return f"{found} ({size:+g}{unit})"
    return f"{found} (at {size:g} %)"


def _plain(fault: str) -> str:
    """A name in small letters, its words apart; a sign before a number stays."""
    words = re.sub(r"(?<=[A-Za-z])_(?=[+-]?\d)|_", " ", fault)
    return " ".join(re.sub(r"\s+annual\b", "", words.lower()).split())
