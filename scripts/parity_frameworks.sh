#!/usr/bin/env bash
# Trains one small network with a hand-written PyTorch loop, this project's engine, Accelerate, the Transformers Trainer,
# Lightning, Keras and MindSpore, and writes how far each lands from the true big batch into docs/ACCUMULATION.md.
#
#   bash scripts/parity_frameworks.sh                  installs what is missing into .parity/ (4 GB), then measures
#   bash scripts/parity_frameworks.sh --skip-install   measures with what is installed; the table says what is not
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ENVIRONMENTS=.parity
PYTHON=${PYTHON:-python3}

# environment NAME PACKAGE...: a virtual environment with these packages; what cannot be installed is left out of the table.
environment() {
    local folder=$ENVIRONMENTS/$1
    shift
    [ -x "$folder/bin/python" ] || "$PYTHON" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@" ||
        echo "could not install: $*" >&2
}

if [ "${1:-}" != "--skip-install" ]; then
    mkdir -p "$ENVIRONMENTS"
    echo '*' >"$ENVIRONMENTS/.gitignore"
    environment torch "torch==2.13.0" # first and pinned: a CPU build, where a plain torch may bring gigabytes of CUDA
    for package in accelerate transformers lightning keras; do
        environment torch "torch==2.13.0" "$package"
    done
    environment mindspore mindspore "numpy<2"
fi
for python in "$ENVIRONMENTS/torch/bin/python" "$PYTHON"; do
    if "$python" -c "import numpy" 2>/dev/null; then
        exec "$python" -m benchmarks.parity.table --environments "$ENVIRONMENTS"
    fi
done
echo "NumPy is missing; run this script without --skip-install" >&2
exit 2
