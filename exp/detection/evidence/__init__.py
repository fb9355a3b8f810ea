"""What an engineer looks at to believe an event."""
