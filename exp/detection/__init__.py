"""From a model and trend files to windows, events and a report."""
