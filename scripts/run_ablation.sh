#!/usr/bin/env bash
# What each part of DualGAFNet is worth: runs with a part left out, tagged by --des, then one table, also as LaTeX.
# Flags given to this script go to every run, for example: --data LBNL_MZVAV_2_2 --root_path FOLDER --itr 3 (seeds)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements.txt

for part in none no_diff no_stat no_fields no_attention minimal; do
    echo "== ablation: $part"
    "$PYTHON" run.py --ablation_mode "$part" --des "ablation_$part" \
        --batch_size 4 --gradient_accumulation_steps 2 --loss_preset hvac_similar_optimized "$@"
done

# The runs lie where --result_path and --data say, if they were given.
results=results data=DualGAF
while [ $# -gt 1 ]; do
    [ "$1" = --result_path ] && results=$2
    [ "$1" = --data ] && data=$2
    shift
done
"$PYTHON" run.py report --result_path "$results" --data "$data" --model DualGAFNet \
    --ablation 'ablation_*' --baseline ablation_none
