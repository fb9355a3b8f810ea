"""Statistics of a window's signals as a branch of the network."""
