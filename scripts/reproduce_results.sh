#!/usr/bin/env bash
# The leaderboard of docs/RESULTS.md from nothing: every row of every table that has no record yet, then the page.
# What was done is kept, so that it may be stopped and started again. HVAC_DATA names the folder of the measured sets.
#     bash scripts/reproduce_results.sh --quick                  # the shape of the page in minutes
#     bash scripts/reproduce_results.sh --only pairs/DualGAFNet  # one row of one table
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements.txt
"$PYTHON" -m benchmarks.leaderboard.cli "$@"
