"""How runs and calendar blocks are split into train, validation and test, and what watches over leaks."""
