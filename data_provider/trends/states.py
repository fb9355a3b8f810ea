"""Words for states, in lower case: 1 for what is on, runs or is open, 0 for the opposite."""

_ON = (
    "on true yes active activated run running start started enable enabled occ occupied open opened energized "
    "ein an aktiv belegt offen auf betrieb marche ouvert"
)
_OFF = (
    "off false no inactive deactivated idle stop stopped disable disabled unocc unoccupied close closed "
    "de-energized aus inaktiv unbelegt geschlossen zu stillstand arret ferme"
)
STATES: dict[str, float] = dict.fromkeys(_ON.split(), 1.0) | dict.fromkeys(_OFF.split(), 0.0)
