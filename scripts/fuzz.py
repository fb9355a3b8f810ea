"""Feeds the readers of what others hand over with files that atheris makes up, and keeps what none of them may meet.

    bash scripts/fuzz.sh 10               ten minutes, shared among the readers
    bash scripts/fuzz.sh 2 text roles     two minutes for two of them

A finding is an error that is not the program's own, a message that a terminal should not be shown, 20 s without an
answer, or 3 GiB of memory. It is written to tests/fuzzing/findings/READER/, where the tests read it for ever after.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))
FINDINGS = REPOSITORY / "tests" / "fuzzing" / "findings"
NAMES = ("text", "grid", "roles", "config", "marks", "artifact", "checkpoint", "metrics", "tables")


def main(words: list[str]) -> int:
    """Fuzzes each reader for its share of the time; the status is 1 where something was found."""
    minutes = float(words[0]) if words else 10.0
    names = words[1:] or list(NAMES)
    if unknown := set(names) - set(NAMES):
        print(f"no reader is called {', '.join(sorted(unknown))}; choose among {', '.join(NAMES)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        corpus = Path(place) / "seeds"
        subprocess.run([sys.executable, __file__, "--seeds", str(corpus)], check=True, stdout=subprocess.DEVNULL)
        found = [_fuzz(name, 60 * minutes / len(names), corpus) for name in names]
    return 1 if any(found) else 0


def _fuzz(name: str, seconds: float, corpus: Path) -> bool:
    """Fuzzes a reader in a process of its own, which begins again where it died."""
    before, ends, runs = _findings(name), time.monotonic() + seconds, 0
    while (left := ends - time.monotonic()) > 2:
        command = [sys.executable, __file__, "--reader", name, str(corpus), str(int(left))]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
        runs += _runs(done.stderr)
        if done.returncode and not _findings(name) - before:
            print(done.stderr[-2000:], file=sys.stderr)
            raise SystemExit(f"the reader {name} could not be fuzzed")
    new = _findings(name) - before
    print(f"{name}: {runs:,} inputs in {seconds:.0f} s, {len(new)} findings", flush=True)
    for path in sorted(new):
        print(f"    {path.relative_to(REPOSITORY)}", flush=True)
    return bool(new)


def _findings(name: str) -> set[Path]:
    return set((FINDINGS / name).glob("*"))


def _runs(said: str) -> int:
    """How many inputs libFuzzer says that it tried: its lines begin with `#NUMBER`."""
    numbers = [line[1:].split()[0] for line in said.splitlines() if line.startswith("#")]
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def _one_reader(name: str, corpus: Path, seconds: str) -> None:
    import atheris

    with atheris.instrument_imports(include=["data_provider", "exp", "utils", "models"]):
        from tests.fuzzing.readers import READERS
    import torch

    torch.set_num_threads(1)
    read, place = READERS[name], Path(tempfile.mkdtemp(prefix="fuzzed-"))
    shutil.copytree(corpus / "run", place / "run")
    seen: set[str] = set()

    def attempt(content: bytes) -> None:
        try:
            read(content, place)
        except Exception as error:  # noqa: BLE001  what is looked for
            where = traceback.extract_tb(error.__traceback__)
            ours = [f"{frame.filename}:{frame.lineno}" for frame in where if str(REPOSITORY) in frame.filename]
            if (mark := f"{type(error).__name__} {ours[-1]}") not in seen:
                seen.add(mark)
                _keep(name, content)

    target = FINDINGS / name
    target.mkdir(parents=True, exist_ok=True)
    flags = [
        f"-max_total_time={seconds}",
        "-timeout=20",
        "-rss_limit_mb=3072",
        "-max_len=20000",
        "-print_final_stats=1",
    ]
    own = place / "corpus"
    shutil.copytree(corpus / name, own)
    atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={target}/", str(own)], attempt)
    atheris.Fuzz()


def _keep(name: str, content: bytes) -> None:
    (FINDINGS / name).mkdir(parents=True, exist_ok=True)
    (FINDINGS / name / hashlib.sha256(content).hexdigest()[:12]).write_bytes(content)


def _write_seeds(corpus: Path) -> None:
    from tests.fuzzing.seeds import seeds, small_run

    corpus.mkdir()
    run = small_run(corpus)
    for name, contents in seeds(run, corpus).items():
        (corpus / name).mkdir()
        for number, content in enumerate(contents):
            (corpus / name / f"seed-{number}").write_bytes(content)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--seeds"]:
        _write_seeds(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["--reader"]:
        _one_reader(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
    else:
        sys.exit(main(sys.argv[1:]))
