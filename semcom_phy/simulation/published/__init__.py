"""Published curves: how public code counts, and what was published."""
