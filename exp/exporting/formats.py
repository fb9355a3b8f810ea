"""The formats of exported files: how each is written, and read again to be checked.

Letters: B batch, C signals, L steps of a window, K classes.
"""

import importlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from exp.evaluation.decision import DecisionRule
from exp.exporting.graph import INPUT, OUTPUTS, graph_of, quiet
from exp.runs.artifact import Artifact
from utils.errors import UserError

METADATA = "metadata.json"  # within a torch.export file
BATCH = "batch"
LARGEST_ONNX = 2**31 - 2**20  # bytes: a file of this format that is one piece ends at 2 GiB


class Outputs(NamedTuple):
    """What a file answers, see `graph.Measured`."""

    probabilities: np.ndarray
    logits: np.ndarray
    novelty_score: np.ndarray
    verdict: np.ndarray
    confidence: np.ndarray


Answer = Callable[[np.ndarray], Outputs]  # readings (B, L, C) ->


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format of files.

    Attributes:
        suffix: of the file's name.
        packages: what it needs beside the requirements.
        write: (artifact, rule, precision, path, metadata, batches of readings to find ranges by).
        load: a file to what answers by it.
    """

    suffix: str
    packages: tuple[str, ...]
    write: Callable[[Artifact, DecisionRule, str, Path, Mapping[str, Any], Sequence[np.ndarray]], None]
    load: Callable[[Path], Answer]

    def check(self) -> None:
        """Raises UserError if a package that it needs cannot be imported."""
        for name in self.packages:
            try:
                importlib.import_module(name)
            except ImportError as error:
                raise UserError(
                    f"export to ONNX needs the package {name}, which cannot be imported "
                    f"({' '.join(str(error).split())[:100]}); python -m pip install {' '.join(self.packages)}, "
                    "or --format torch, which needs none"
                ) from None


def _write_torch(
    artifact: Artifact,
    rule: DecisionRule,
    precision: str,
    path: Path,
    metadata: Mapping[str, Any],
    batches: Sequence[np.ndarray],
) -> None:
    held = io.BytesIO()  # torch's own writer ends the program where the disk is full
    with quiet():
        torch.export.save(graph_of(artifact, rule, precision), held, extra_files={METADATA: json.dumps(metadata)})
    path.write_bytes(held.getbuffer())


def _load_torch(path: Path) -> Answer:
    with quiet():
        model = torch.export.load(path).module()

    def answer(windows: np.ndarray) -> Outputs:
        with torch.no_grad():
            return Outputs(*(output.numpy() for output in model(torch.from_numpy(np.ascontiguousarray(windows)))))

    return answer


def _write_onnx(
    artifact: Artifact,
    rule: DecisionRule,
    precision: str,
    path: Path,
    metadata: Mapping[str, Any],
    batches: Sequence[np.ndarray],
) -> None:
    import onnx

    size = sum(4 * weight.numel() for weight in artifact.model.state_dict().values())  # written in float32
    if size > LARGEST_ONNX:
        raise UserError(f"the weights are {size / 2**30:.1f} GiB, and ONNX ends at 2; --format torch has no such end")
    whole = path.with_stem("whole")
    with quiet():
        graph = graph_of(artifact, rule, "fp32" if precision == "int8" else precision)
        program = torch.onnx.export(graph, dynamo=True, input_names=[INPUT], output_names=list(OUTPUTS), verbose=False)
        assert program is not None
        program.save(whole, external_data=False)
    _tidy(whole)
    if precision == "int8":
        _quantize(whole, path, batches)
    else:
        whole.replace(path)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in metadata.items()})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _tidy(path: Path) -> None:
    """Names the axis of the batch, and takes out what the exporter tells of the source and its place."""
    import onnx

    model = onnx.load(path)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    del model.graph.value_info[:], model.graph.metadata_props[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(model, path)


def _quantize(whole: Path, path: Path, batches: Sequence[np.ndarray]) -> None:
    """Products with learned weights in eight bits: weights by output, readings' features by the ranges that occur.

    Everything else, the making of fields and statistics above all, stays in float32: there eight bits cost answers.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Batches(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.rest: Iterator[np.ndarray] = iter(batches)

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.rest, None)
            return None if batch is None else {INPUT: batch}

    ready = whole.with_stem("ready")
    with quiet():
        quant_pre_process(whole, ready, skip_symbolic_shape=True)
        quantization.quantize_static(
            ready,
            path,
            Batches(),
            op_types_to_quantize=["MatMul", "Gemm", "Conv"],
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=_in_double(ready),
            extra_options={"MatMulConstBOnly": True},
        )


def _in_double(path: Path) -> list[str]:
    """Names of the products that are computed in float64: those of the novelty score."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    double = {value.name for value in values if value.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE}
    return [node.name for node in graph.node if double & {*node.input, *node.output}]


def _load_onnx(path: Path) -> Answer:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])

    def answer(windows: np.ndarray) -> Outputs:
        return Outputs(*session.run(list(OUTPUTS), {INPUT: np.ascontiguousarray(windows)}))

    return answer


FORMATS: dict[str, Format] = {
    "onnx": Format(suffix=".onnx", packages=("onnx", "onnxscript", "onnxruntime"), write=_write_onnx, load=_load_onnx),
    "torch": Format(suffix=".pt2", packages=(), write=_write_torch, load=_load_torch),
}
