"""The files for a container, as far as they can be checked without one."""

import re

import yaml

from tests.conftest import REPOSITORY
from utils.command_line import parse


def _instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, lines that go on joined."""
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line)]


def test_what_is_copied_is_there_and_let_in():
    lets = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").split("\n")
    copies = [rest.split()[:-1] for word, rest in _instructions() if word == "COPY" and "--from" not in rest]
    copied = {name for names in copies for name in names}
    assert lets[1] == "*"
    assert {line.removeprefix("!") for line in lets if line.startswith("!")} == copied
    assert all((REPOSITORY / name).exists() for name in copied)
    rooms = re.search(r"ROOMS = \((.*)\)", (REPOSITORY / "setup.py").read_text(encoding="utf-8"))[1]
    assert set(re.findall(r'"(\w+)"', rooms)) <= copied


def test_the_image_has_no_rights_and_says_whether_it_is_well():
    words = dict(_instructions())
    assert words["USER"] == "10001"
    assert "/health" in words["HEALTHCHECK"]
    options = parse(yaml.safe_load(words["CMD"]))
    assert (options.verb, options.host, options.port) == ("serve", "0.0.0.0", int(words["EXPOSE"]))


def test_compose_opens_the_port_to_this_machine_alone():
    services = yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services["serve"]["ports"] == ["127.0.0.1:8765:8765"]
    for name, service in services.items():
        assert parse(service["command"]).verb == name
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
    assert "ports" not in services["detect"]
    assert services["detect"]["network_mode"] == "none"
