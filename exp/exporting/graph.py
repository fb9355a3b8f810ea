"""The graph that an exported file holds: windows as measured in, probabilities out.

Letters: B batch, C signals, L steps of a window, K classes.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.nn.utils import parametrize

from data_provider import Scaler
from exp.runs.artifact import Artifact
from models.build import model_of

INPUT = "windows"
OUTPUTS = ("probabilities", "logits")
COMPRESSED = (nn.Linear, nn.Conv1d, nn.Conv2d)  # layers whose weights may be kept in fewer bits
LARGEST_CODE = 127  # of a weight in eight bits, on either side of 0


class Measured(nn.Module):
    """A network with everything before and behind it: scaling, clipping, temperature, softmax.

    A window with a reading that is no finite number gets NaN for an answer: some operators would lose the NaN on the
    way and give a probability.

    Args:
        model: windows (B, C, L) in [-1, 1] -> logits (B, K).
        scaler: from measured units to [-1, 1].
        temperature: logits are divided by it.
    """

    low: Tensor
    factor: Tensor
    shift: Tensor

    def __init__(self, *, model: nn.Module, scaler: Scaler, temperature: float) -> None:
        super().__init__()
        self.model = model
        self.temperature = temperature
        self.register_buffer("low", torch.from_numpy(scaler.minimum))  # (C,)
        self.register_buffer("factor", torch.from_numpy(scaler.factor))
        self.register_buffer("shift", torch.from_numpy(scaler.shift))

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Readings (B, L, C) in the units of the training files -> probabilities (B, K), logits (B, K)."""
        x = (windows - self.low) * self.factor + self.shift
        logits = self.model(x.clamp(-1.0, 1.0).transpose(1, 2))  # (B, C, L) -> (B, K)
        whole = windows.isfinite().flatten(1).all(1, keepdim=True)  # (B, 1)
        probabilities = (logits / self.temperature).softmax(1)
        return torch.where(whole, probabilities, torch.nan), torch.where(whole, logits, torch.nan)


class Half(nn.Module):
    """A weight kept in bfloat16, and used in float32."""

    def forward(self, kept: Tensor) -> Tensor:
        """bfloat16 -> float32."""
        return kept.float()

    def right_inverse(self, weight: Tensor) -> tuple[Tensor]:
        """float32 -> bfloat16."""
        return (weight.bfloat16(),)


class Eighth(nn.Module):
    """A weight kept in int8 with a factor for each of its first axis, an output of the layer; used in float32."""

    def forward(self, codes: Tensor, factor: Tensor) -> Tensor:
        """int8 (outputs, ...) and (outputs, 1, ...) -> float32 (outputs, ...)."""
        return codes.float() * factor

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """float32 (outputs, ...) -> int8 (outputs, ...) and float32 (outputs, 1, ...)."""
        largest = weight.abs().amax(tuple(range(1, weight.dim())), keepdim=True)
        factor = largest.clamp_min(torch.finfo(weight.dtype).tiny * LARGEST_CODE) / LARGEST_CODE
        return (weight / factor).round().to(torch.int8), factor


# How a precision keeps the weights of COMPRESSED layers.
KEPT: dict[str, type[nn.Module]] = {"bf16": Half, "int8": Eighth}


def graph_of(artifact: Artifact, precision: str) -> ExportedProgram:
    """The graph of a trained network, for batches of any size.

    The network is built anew, with images computed by torch whatever computed them before.

    Args:
        artifact: the trained network.
        precision: "fp32", or a name of `KEPT`.
    """
    model = model_of(artifact.options.replace(gaf_backend="torch"), artifact.info)
    model.load_state_dict(artifact.model.state_dict())
    model.eval().requires_grad_(False)
    if precision in KEPT:
        for layer in [module for module in model.modules() if isinstance(module, COMPRESSED)]:
            parametrize.register_parametrization(layer, "weight", KEPT[precision](), unsafe=True)
    whole = Measured(model=model, scaler=artifact.scaler, temperature=artifact.decision.temperature).eval()
    example = torch.zeros(2, artifact.info.seq_len, len(artifact.info.columns))
    with quiet():
        program = torch.export.export(whole, (example,), dynamic_shapes={INPUT: {0: Dim("batch", min=1)}})
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # lines of source and places on this machine
    return program


@contextmanager
def quiet() -> Iterator[None]:
    """Exporters tell of their own affairs, as if they were the user's."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
