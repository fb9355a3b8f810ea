#!/usr/bin/env bash
# What each part of DualGAFNet is worth: one run a part left out, tagged by --des, then one table.
# Flags given to this script go to every run, for example: --data LBNL_MZVAV_2_2 --root_path FOLDER
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements.txt

for part in none no_diff no_stat no_fields no_attention minimal; do
    echo "== ablation: $part"
    "$PYTHON" run.py --ablation_mode "$part" --des "ablation_$part" \
        --batch_size 4 --gradient_accumulation_steps 2 --loss_preset hvac_similar_optimized "$@"
done

# The runs lie where --result_path says, if it was given.
results=results
while [ $# -gt 1 ]; do
    [ "$1" = --result_path ] && results=$2
    shift
done
"$PYTHON" run.py report --result_path "$results" --compare "$results/*/DualGAFNet/ablation_*/latest"
