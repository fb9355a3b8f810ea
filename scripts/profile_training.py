"""Where a training step's time goes: `python scripts/profile_training.py [ENCODER]` prints each operator's share.

One thread, micro-batches of 4 windows of 26 signals and 96 steps, as in `python run.py benchmark speed`.
"""

import sys
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.workloads import Training
from models import ModelSettings
from utils.memory import keep_freed_memory

STEPS, SHOWN = 20, 20


def main(encoder: str = "gramian") -> None:
    """Profiles some steps and prints the operators that take most of them."""
    torch.set_num_threads(1)
    keep_freed_memory()  # as run.py does
    training = Training(ModelSettings(encoder=encoder))
    for _ in range(5):  # memory is taken and the optimizer's state made
        training()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(STEPS):
            training()
    operators = sorted(profiler.key_averages(), key=lambda operator: -operator.self_cpu_time_total)
    total = sum(operator.self_cpu_time_total for operator in operators)
    print(f"{total / STEPS / 1e3:.1f} ms a step")
    for operator in operators[:SHOWN]:
        share = operator.self_cpu_time_total / total
        print(f"{share:7.1%}  {operator.count / STEPS:6.1f} calls a step  {operator.key}")


if __name__ == "__main__":
    main(*sys.argv[1:])
