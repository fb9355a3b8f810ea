#!/usr/bin/env bash
# From nothing to a report: the environment, a simulated year of an air-handling unit with nine states, a trained
# DualGAFNet, and a page to open. About five minutes on two processor cores.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements.txt

# The default run with fewer epochs and larger micro-batches.
command=(python run.py --batch_size 16 --train_epochs 5 --loss_preset hvac_similar_optimized --des quickstart)
echo "Running: ${command[*]}"
"$PYTHON" "${command[@]:1}" "$@"
echo "Open the report: $PWD/results/DualGAF/DualGAFNet/quickstart/latest/report.html"
