"""Where a training's figures are also recorded."""
