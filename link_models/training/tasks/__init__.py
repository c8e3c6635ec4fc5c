"""What a codec is trained on, and how its error counts."""
