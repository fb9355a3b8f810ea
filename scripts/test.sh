#!/usr/bin/env bash
# The linter, the type checker and every test, in the project's own environment, which is made where it is missing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements-test.txt

"$PYTHON" -m ruff check .
"$PYTHON" -m ruff format --check .
"$PYTHON" -m mypy
"$PYTHON" -m pytest -p no:cacheprovider -n 2 --dist loadfile "$@"
