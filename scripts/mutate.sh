#!/usr/bin/env bash
# Mutation testing: puts small faults into the code, one at a time, and says which of them no test noticed.
# `bash scripts/mutate.sh` takes the accumulation engine and the trainer; `bash scripts/mutate.sh all --sample 100` runs in
# minutes; other names are in scripts/mutate.py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements-test.txt
exec "$PYTHON" scripts/mutate.py "$@"
