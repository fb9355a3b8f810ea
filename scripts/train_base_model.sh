#!/usr/bin/env bash
# Makes the base model again from nothing: a fleet of simulated units, a network trained on it, and the verdict about
# days. Within an hour on two processor cores. A second call goes on where the first one stopped; everything follows
# from SEED. The defaults make models/base as it is shipped; smaller numbers try the way out:
#     UNITS=60 EPOCHS=1 WORK=results/try OUTPUT=results/try/base bash scripts/train_base_model.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements.txt

units=${UNITS:-3000} days=${DAYS:-6} epochs=${EPOCHS:-6} seed=${SEED:-4}
work=${WORK:-results/base} output=${OUTPUT:-models/base}
fleet="$work/fleet-$units-$days-$seed" runs="$work/fleet/DualGAFNet/base-$units-$days-$seed"

# The note is the last file that a simulation writes.
[ -e "$fleet/SIMULATED.json" ] || "$PYTHON" run.py simulate --fleet "$units" --days "$days" --seed "$seed" --output "$fleet"

if [ ! -e "$runs/latest/model/model.json" ]; then
    if [ -e "$runs/latest/checkpoints/last.pt" ]; then
        "$PYTHON" run.py --resume "$runs/latest"
    else
        "$PYTHON" run.py train --data fleet --root_path "$fleet" --channels physical --sample_period 15min \
            --resample mean --seq_len 24 --stride 6 --val_size 0.08 --test_size 0.08 --seed "$seed" \
            --encoder gramian --fusion adaptive --stat_type basic --stat_encoder periodic \
            --feature_dim 32 --dropout 0.3 --augment drop_sensor:0.1 --loss label_smoothing --label_smoothing 0.05 \
            --batch_size 128 --learning_rate 2e-3 --lr_scheduler cosine --train_epochs "$epochs" --select loss \
            --result_path "$work" --des "base-$units-$days-$seed" "$@"
    fi
fi
"$PYTHON" scripts/fit_base_model.py --run "$runs/latest" --fleet "$fleet" --output "$output"
