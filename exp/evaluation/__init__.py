"""From logits to measures, calibrated confidence and verdicts."""
