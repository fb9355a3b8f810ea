"""What a training is built of, and what is written at its end."""
