"""Building blocks of the networks: tensors in, tensors out. They import torch and nothing of this project."""
