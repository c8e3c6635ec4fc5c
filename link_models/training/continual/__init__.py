"""Domain after domain: training with a memory against forgetting."""
