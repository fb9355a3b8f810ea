#!/usr/bin/env bash
# The accuracy of networks and baselines on one data set: five trainings each, every one with its own seed and split, then
# one table of the means. Flags given to this script go to every run and decide the data set, for example:
#     bash scripts/run_accuracy.sh --data LBNL_MZVAV_2_2 --root_path FOLDER --train_epochs 8
# A line below is a name and the flags that make it. `dilated`, the published encoder over dense images, takes hours
# on a processor, half as many in bfloat16: ONLY="default,RandomForest" leaves it out, or takes it alone.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements.txt

contestants="
default
width_16                --feature_dim 16
width_32                --feature_dim 32
SingleGAFNet            --model SingleGAFNet
OneDCNN                 --model OneDCNN
ResNet1D                --model ResNet1D
InceptionTime           --model InceptionTime
RandomForest            --model RandomForest
HistGradientBoosting    --model HistGradientBoosting
LogisticRegression      --model LogisticRegression
dilated                 --encoder dilated --amp bf16
"

while read -r name flags; do
    [ -n "$name" ] || continue
    case ",${ONLY:-$name}," in *",$name,"*) ;; *) continue ;; esac
    echo "== $name"
    # The flags are words, so they are not quoted.
    # shellcheck disable=SC2086
    "$PYTHON" run.py $flags --des "accuracy_$name" --itr 5 "$@" </dev/null
done <<<"$contestants"

# The runs lie where --result_path says, if it was given.
results=results
while [ $# -gt 1 ]; do
    [ "$1" = --result_path ] && results=$2
    shift
done
"$PYTHON" run.py report --result_path "$results" --compare "$results/*/*/accuracy_*/2*"
