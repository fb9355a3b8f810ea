#!/usr/bin/env bash
# Trains, detects and follows a growing file in turn, and says whether memory and open files stay flat (status 1: not).
# `bash scripts/soak.sh 10` takes ten minutes; without a number it is an hour.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements-test.txt
exec "$PYTHON" scripts/soak.py "$@"
