"""Reports, figures and model cards of what was trained."""
