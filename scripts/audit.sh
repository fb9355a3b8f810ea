#!/usr/bin/env bash
# Asks pip-audit whether vulnerabilities are known of the versions in requirements.lock.
# `bash scripts/audit.sh --lock` writes that file from the environment first, as scripts/test.sh has tested it.
# Status 0: none are known; 1: some are, listed; 2: nobody could be asked.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if [ "${1:-}" = --lock ]; then
    install requirements-test.txt
    "$PYTHON" scripts/lock.py requirements.lock
fi
ENVIRONMENT=.venv/audit install scripts/requirements-audit.txt # beside the program's own packages, not among them
report=$(mktemp)
trap 'rm -f "$report" "$report.err"' EXIT
"$PYTHON" -m pip_audit --requirement requirements.lock --no-deps --disable-pip --progress-spinner off --timeout 20 \
    --format json --output "$report" 2>"$report.err" || true
exec "$PYTHON" scripts/lock.py --report "$report" "$report.err"
