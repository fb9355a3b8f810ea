"""Names of the files of a model folder, for modules that load nothing heavy."""

DESCRIPTION, WEIGHTS, DECISION = "model.json", "weights.safetensors", "decision.safetensors"
