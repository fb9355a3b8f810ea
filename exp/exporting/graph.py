"""The graph that an exported file holds: windows as measured in, probabilities and verdicts out.

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
from data_provider.scaler import CORE
from exp.evaluation.decision import DecisionRule
from exp.evaluation.inference import outputs
from exp.runs.artifact import Artifact
from models.build import model_of

INPUT = "windows"
OUTPUTS = ("probabilities", "logits", "novelty_score", "verdict", "confidence")
COMPRESSED = (nn.Linear, nn.Conv1d, nn.Conv2d)  # layers whose weights may be kept in fewer bits
LARGEST_CODE = 127  # of a weight in eight bits, on either side of 0


class Measured(nn.Module):
    """A network with everything before and behind it: scaling, clipping, temperature, softmax, verdict.

    A sensor is missing from a window in which one of its readings is not a finite number. A window that lacks too many
    sensors gets NaN and no answer.

    Args:
        model: windows (B, C, L) in [-1, 1] -> features (B, P) -> logits (B, K).
        scaler: from measured units to [-1, 1].
        rule: from logits, features and readings to verdicts.
    """

    low: Tensor
    factor: Tensor
    shift: Tensor

    def __init__(self, *, model: nn.Module, scaler: Scaler, rule: DecisionRule) -> None:
        super().__init__()
        self.model, self.rule = model, rule
        self.register_buffer("low", torch.from_numpy(scaler.begin))  # (C,)
        self.register_buffer("factor", torch.from_numpy(scaler.factor))
        self.register_buffer("shift", torch.from_numpy(scaler.shift))
        self.soft = scaler.low is not None

    def forward(self, windows: Tensor) -> tuple[Tensor, ...]:
        """Readings (B, L, C) in the units of the training files to `OUTPUTS`: probabilities (B, K), logits (B, K),
        novelty scores (B,) float64, numbers of verdicts (B,) int64, and the confidence of each verdict (B,)."""
        missing = ~windows.isfinite().all(1)  # (B, C)
        scaled = self._bound((windows - self.low) * self.factor + self.shift).transpose(1, 2)  # (B, C, L)
        gone = missing[:, :, None]
        logits, features = outputs(self.model, torch.where(gone, 0.0, scaled))
        verdicts = self.rule(
            readings=windows.transpose(1, 2),
            missing=missing,
            x=torch.where(gone, 0.0, scaled.double()),  # no int8 file puts this one in eight bits
            logits=logits,
            features=features,
        )
        silent = self.rule.lacks(missing)
        return (
            torch.where(silent[:, None], torch.nan, verdicts.confidence.float()),
            torch.where(silent[:, None], torch.nan, logits),
            torch.where(silent, torch.nan, verdicts.novelty),
            verdicts.number,
            verdicts.own_confidence().float(),
        )

    def _bound(self, scaled: Tensor) -> Tensor:
        """As `Scaler.bound`."""
        if not self.soft:
            return scaled.clamp(-1.0, 1.0)
        size = scaled.abs()
        distance = (size - CORE).clamp_min(0.0) / (1 - CORE)
        outer = scaled.sign() * (CORE + (1 - CORE) * (1 - 1 / (1 + distance)))
        return torch.where(size > CORE, outer, scaled)


class BFloat16Weight(nn.Module):
    """A weight kept in bfloat16, and used in float32."""

    def forward(self, kept: Tensor) -> Tensor:
        """bfloat16 -> float32."""
        return kept.float()

    def right_inverse(self, weight: Tensor) -> tuple[Tensor]:
        """float32 -> bfloat16."""
        return (weight.bfloat16(),)


class Int8Weight(nn.Module):
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
KEPT: dict[str, type[nn.Module]] = {"bf16": BFloat16Weight, "int8": Int8Weight}


def graph_of(artifact: Artifact, rule: DecisionRule, precision: str) -> ExportedProgram:
    """The graph of a trained network, for batches of any size.

    The network is built again, with images computed by torch whatever computed them before.

    Args:
        artifact: the trained network.
        rule: how it comes to verdicts.
        precision: "fp32", or a name of `KEPT`.
    """
    model = model_of(artifact.options.replace(gaf_backend="torch"), artifact.info)
    model.load_state_dict(artifact.model.state_dict())
    model.eval().requires_grad_(False)
    if precision in KEPT:
        for layer in [module for module in model.modules() if isinstance(module, COMPRESSED)]:
            parametrize.register_parametrization(layer, "weight", KEPT[precision](), unsafe=True)
    whole = Measured(model=model, scaler=artifact.scaler, rule=rule).eval()
    example = torch.zeros(2, artifact.info.seq_len, len(artifact.info.columns))
    with torch.no_grad():
        whole(example)  # what is computed once, and then kept, is a constant of the graph
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
