"""What would let a model score without having learned anything: looked for before training starts."""
