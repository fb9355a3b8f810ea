"""requirements.lock: the versions that the tests passed with, and what an audit says of them.

python scripts/lock.py requirements.lock            writes it from the environment of this interpreter
python scripts/lock.py --report FILE ERRORS         says what pip-audit wrote
"""

import importlib.metadata
import json
import platform
import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
HEAD = """# Versions that scripts/test.sh passed with, on a CPU and Python {python}; the ranges are in requirements.txt.
# `pip install -r requirements.lock` gives exactly them. `bash scripts/audit.sh --lock` writes this file again.
"""


def main(words: list[str]) -> int:
    """Writes the lock file, or tells an audit; the status is that of scripts/audit.sh."""
    if words[0] == "--report":
        return _tell(Path(words[1]), Path(words[2]))
    locked = _needed(REPOSITORY / "requirements-test.txt")
    lines = [f"{name}=={version}\n" for name, version in sorted(locked.items(), key=lambda entry: entry[0].lower())]
    python = ".".join(platform.python_version_tuple()[:2])
    Path(words[0]).write_text(HEAD.format(python=python) + "".join(lines), encoding="utf-8")
    print(f"{len(lines)} packages are in {words[0]}")
    return 0


def _needed(requirements: Path) -> dict[str, str]:
    """Installed packages that a file names, and what these need: name -> version, without what marks a build."""
    from packaging.requirements import Requirement

    found: dict[str, str] = {}
    waiting = [Requirement(line) for line in _lines(requirements)]
    while waiting:
        wanted = waiting.pop()
        try:
            package = importlib.metadata.distribution(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            raise SystemExit(f"{wanted.name} is not installed; run bash scripts/test.sh first") from None
        name = package.metadata["Name"]
        if name in found:
            continue
        found[name] = package.version.partition("+")[0]
        for line in package.requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in ("", *sorted(wanted.extras))
            ):
                waiting.append(needed)
    return found


def _lines(path: Path) -> list[str]:
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    others = [entry for line in lines if line.startswith("-r ") for entry in _lines(path.parent / line[3:].strip())]
    return [line for line in lines if line and not line.startswith("-")] + others


def _tell(report: Path, errors: Path) -> int:
    try:
        packages = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    except (ValueError, KeyError):
        said = [line for line in errors.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        reason = re.sub(r"\S+://\S+", "its address", said[-1])[:160] if said else "pip-audit said nothing"
        print(f"not audited: whoever knows of vulnerabilities could not be asked ({reason})", file=sys.stderr)
        return 2
    known = [(entry, found) for entry in packages for found in entry.get("vulns", [])]
    skipped = [entry["name"] for entry in packages if "skip_reason" in entry]
    for entry, found in known:
        better = ", ".join(found["fix_versions"]) or "none yet"
        print(f"{entry['name']} {entry['version']}: {found['id']}; mended in {better}")
    if len(skipped) == len(packages):
        print("not audited: whoever was asked knows none of the packages; ask the public index", file=sys.stderr)
        return 2
    print(f"{len(packages) - len(skipped)} packages audited, {len(known)} known vulnerabilities")
    if skipped:
        print(f"nothing could be found out about {', '.join(skipped)}")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
