"""A trained model as an ONNX or torch.export file that is checked before it is kept."""
