#!/usr/bin/env bash
# The linter, the type checker and every test, in the project's own environment, which is made where it is missing.
# Flags go to pytest: `bash scripts/test.sh -k resume`, `bash scripts/test.sh --shuffle 3` (another order of the tests).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements-test.txt

# part NAME COMMAND...: says what runs, then how long it took.
part() {
    local name=$1 started=$SECONDS
    shift
    echo "== $name"
    "$@" || {
        local status=$?
        echo "== $name: failed after $((SECONDS - started)) s"
        exit $status
    }
    echo "== $name: $((SECONDS - started)) s"
}

part lint "$PYTHON" -m ruff check .
part format "$PYTHON" -m ruff format --check .
part types "$PYTHON" -m mypy
part tests "$PYTHON" -m pytest -p no:cacheprovider -n 2 --dist worksteal --durations 15 "$@"
