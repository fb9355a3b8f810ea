"""What a run folder and an artifact hold, and how each is written and read."""
