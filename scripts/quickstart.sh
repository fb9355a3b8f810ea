#!/usr/bin/env bash
# From nothing to two reports. First the base model finds the fault of a unit that nobody has labelled; then a simulated
# year of an air-handling unit with nine states, and a DualGAFNet trained on it. About five minutes on two cores.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements.txt

unlabelled=results/quickstart
"$PYTHON" run.py simulate --runs coi_stuck_025_annual --days 21 --start 2018-04-02 --file_format csv --output "$unlabelled"
command=(python run.py detect --input "$unlabelled/coi_stuck_025_annual.csv" --output "$unlabelled/found")
echo "Running: ${command[*]}"
"$PYTHON" "${command[@]:1}"
echo "Open the report of a unit without labels: $PWD/$unlabelled/found/report.html"

# The default run with fewer epochs and larger micro-batches.
command=(python run.py --batch_size 16 --train_epochs 5 --loss_preset hvac_similar_optimized --des quickstart)
echo "Running: ${command[*]}"
"$PYTHON" "${command[@]:1}" "$@"
echo "Open the report: $PWD/results/DualGAF/DualGAFNet/quickstart/latest/report.html"
