"""What `doctor` examines: the machine, the packages and trend files."""
