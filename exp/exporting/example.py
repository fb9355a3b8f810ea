"""Ten lines that use an exported file without this project; docs/EXPORT.md shows the same."""

_ONNX = """\
import json
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("{file}")
about = {{name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}}
readings = np.loadtxt("readings.csv", delimiter=",", skiprows=1, dtype=np.float32)  # columns as about["columns"]
windows = readings[-about["seq_len"] :][None]  # (1, L, C): the latest window, a row every about["period_seconds"]
probabilities, verdict = session.run(["probabilities", "verdict"], {{"windows": windows}})  # (1, K), (1,)
print("verdict", about["verdicts"][verdict[0]])  # a class, "unknown" or "no answer"
print(*zip(about["classes"], probabilities[0].tolist()), sep="\\n")
"""

_TORCH = """\
import json
import numpy as np
import torch

extra = {{"metadata.json": ""}}
model = torch.export.load("{file}", extra_files=extra).module()
about = json.loads(extra["metadata.json"])
readings = np.loadtxt("readings.csv", delimiter=",", skiprows=1, dtype=np.float32)  # columns as about["columns"]
probabilities, logits, novelty, verdict, confidence = model(torch.from_numpy(readings[-about["seq_len"] :][None]))
print("verdict", about["verdicts"][int(verdict[0])])  # a class, "unknown" or "no answer"
print(*zip(about["classes"], probabilities[0].tolist()), sep="\\n")
"""

EXAMPLES = {"onnx": _ONNX, "torch": _TORCH}


def example(kind: str, file: str) -> str:
    """The example for a format, with the name of the file."""
    return EXAMPLES[kind].format(file=file)
