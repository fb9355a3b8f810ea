"""How fast training, fields and detection are on this machine, and how far from what it could do.

Everything is measured in turns within one process, so the ratios hold also while the machine is busy.
"""

import time
from typing import Any

import torch

from benchmarks.floor import Floor, floor_of
from benchmarks.measuring import Work, in_turns
from benchmarks.workloads import CLASSES, MICRO_BATCH, SIGNALS, STEPS, Detection, Fields, PytsFields, Training
from models import ModelSettings

# The targets of the project, as ratios within one run: (numerator, denominator, at least).
TARGETS = {
    "training, default against dilated": (("train", "default"), ("train", "dilated"), 40.0),
    "dual fields, ours against pyts": (("fields", "ours"), ("fields", "pyts"), 15.0),
    "default network, detection against training": (("detect", "default"), ("train", "default"), 4.0),
}

# Windows whose fields are computed: pyts takes them in one call, as a data set is transformed. "pyts_window" gives it a
# window a call, as ours does, whose images fit in the processor's cache.
DATA = 32


def measure(*, quick: bool = False, compiled: bool = False) -> dict[str, Any]:
    """Measures on the CPU.

    Args:
        quick: the figures of the targets only, with few turns: under 50 s on two cores.
        compiled: also training of the compiled network.

    Returns:
        "train", "fields", "detect": name -> windows, or pairs of images, a second; "ratios": what -> ratio;
        "floor": counted and measured limits of a training step; "machine" and "seconds".
    """
    started = time.perf_counter()
    default, dilated = Training(ModelSettings()), Training(ModelSettings(encoder="dilated"))
    contestants: dict[str, Work] = {"train default": default, "detect default": Detection(ModelSettings())}
    if not quick:
        contestants["train default_bf16"] = Training(ModelSettings(), amp=torch.bfloat16)
        contestants["train default_channels_last"] = Training(ModelSettings(), channels_last=True)
        channels_last = Training(ModelSettings(encoder="dilated"), channels_last=True)
        contestants["train dilated_channels_last"] = channels_last
        contestants["train dilated_bf16"] = Training(ModelSettings(encoder="dilated"), amp=torch.bfloat16)
    if compiled:
        contestants["train default_compiled"] = Training(ModelSettings(), compiled=True)
    turns = 3 if quick else 7
    rates = in_turns({**contestants, "train dilated": dilated}, turns=turns, seconds=0.5 if quick else 2.0)
    fields: dict[str, Work] = {"fields ours": Fields(DATA), "fields pyts": PytsFields(DATA)}
    fields["fields pyts_window"] = PytsFields(1)
    rates |= in_turns(fields, turns=turns, seconds=0.2 if quick else 1.0)
    found: dict[str, Any] = {"train": {}, "fields": {}, "detect": {}}
    for name, value in rates.items():
        group, member = name.split()
        found[group][member] = value
    found["ratios"] = {name: found[a][b] / found[c][d] for name, ((a, b), (c, d), _) in TARGETS.items()}
    found["floor"] = _plain(floor_of(default), MICRO_BATCH / found["train"]["default"])
    found["machine"] = machine()
    found["seconds"] = time.perf_counter() - started
    return found


def machine() -> dict[str, Any]:
    """What was measured on."""
    return {
        "threads": torch.get_num_threads(),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def _plain(floor: Floor, measured: float) -> dict[str, float]:
    """A floor in plain numbers beside the measured seconds of a step."""
    return {
        "operations": floor.operations,
        "bytes": floor.traffic,
        "kernels": floor.kernels,
        "operations_a_second": floor.matrix_rate,
        "bytes_a_second": floor.bandwidth,
        "seconds": floor.seconds,
        "measured_seconds": measured,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The figures for a person."""
    host = found["machine"]
    text = [f"{SIGNALS} signals x {STEPS} steps, {CLASSES} classes; {host['threads']} threads, {host['processor']}"]
    for group, what in (
        ("train", f"training, micro-batches of {MICRO_BATCH}, windows/s"),
        ("detect", "detection, windows/s"),
        ("fields", "both fields of a signal, pairs of images/s"),
    ):
        text += ["", what]
        text += [f"  {name:<24} {rate:12,.1f}" for name, rate in found[group].items()]
    text += ["", "ratios, and what they should be"]
    text += [f"  {name:<45} {found['ratios'][name]:8.1f} of {TARGETS[name][2]:g}" for name in TARGETS]
    text += ["", *floor_lines(found["floor"])]
    return [*text, "", f"{found['seconds']:.0f} s"]


def floor_lines(floor: dict[str, float]) -> list[str]:
    """The floor of a training step for a person."""
    compute, memory = floor["operations"] / floor["operations_a_second"], floor["bytes"] / floor["bytes_a_second"]
    rate, width = floor["operations_a_second"] / 1e9, floor["bytes_a_second"] / 1e9
    measured = floor["measured_seconds"]
    return [
        f"floor of a training step of {MICRO_BATCH} windows, default network",
        f"  {floor['operations'] / 1e9:8.2f} G operations {1e3 * compute:8.2f} ms at {rate:.0f} G/s of large matrices",
        f"  {floor['bytes'] / 1e6:8.1f} MB moved     {1e3 * memory:8.2f} ms at {width:.1f} GB/s of large copies",
        f"  {floor['kernels']:8.0f} operators, {1e6 * measured / floor['kernels']:.1f} us each as measured",
        f"  measured {1e3 * measured:.1f} ms: {measured / floor['seconds']:.1f} times the floor",
    ]
