"""What of a picture matters, and what texts say of it."""
