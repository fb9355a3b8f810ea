#!/usr/bin/env bash
# Fuzzes the readers of trend files, role maps, options, models, checkpoints, measures and tables with atheris.
# `bash scripts/fuzz.sh 10` takes ten minutes; names after the number choose readers.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements-test.txt
install scripts/requirements-fuzz.txt
exec "$PYTHON" scripts/fuzz.py "$@"
