#!/usr/bin/env bash
# The same training with and without gradient accumulation, by hand and by rule, then one table of the four.
# Flags given to this script go to every run, for example: --train_epochs 2 --rows 20000
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements.txt

common=(--model DualGAFNet --data DualGAF --loss_preset hvac_similar_optimized --train_epochs 10)
train() {
    echo "== $1"
    "$PYTHON" run.py "${common[@]}" --des "$@"
}

train accumulation_4x1 --batch_size 4 --gradient_accumulation_steps 1 "$@"
train accumulation_4x2 --batch_size 4 --gradient_accumulation_steps 2 "$@"
train accumulation_auto --batch_size 4 --enable_auto_gradient_accumulation "$@"
train accumulation_8x1 --batch_size 8 --gradient_accumulation_steps 1 "$@"

# The runs lie where --result_path says, if it was given.
results=results
while [ $# -gt 1 ]; do
    [ "$1" = --result_path ] && results=$2
    shift
done
"$PYTHON" run.py report --result_path "$results" --compare "$results/*/DualGAFNet/accumulation_*/latest"
