#!/usr/bin/env bash
# Everything that needs a GPU, in under four minutes: replayed steps against plain ones, runs and resumes to the bit,
# reduced precision, memory that runs out, NCCL, the same answers as on the processor, and one table of the speed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
# A GPU needs a PyTorch that was built for it. Name an interpreter that has one, or let the project make its environment.
if [ -z "${PYTHON:-}" ]; then
    install requirements-test.txt
fi
export CUBLAS_WORKSPACE_CONFIG=:4096:8

"$PYTHON" -c '
import sys, torch
if not torch.cuda.is_available():
    sys.exit("test_gpu.sh: PyTorch " + torch.__version__ + " finds no GPU here; PYTHON=... names another interpreter")
' || exit 2
echo "== tests"
"$PYTHON" -m pytest -p no:cacheprovider tests/test_gpu.py tests/test_cuda_graphs.py tests/test_cuda_graphs_training.py \
    tests/test_resume.py --durations=5 "$@"
echo "== speed"
"$PYTHON" -m benchmarks.gpu --quick
echo "== start"
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
"$PYTHON" run.py simulate --days 30 --output "$data/unit" >"$data/log"
"$PYTHON" scripts/measure_start.py --data SAHU --root_path "$data/unit"
