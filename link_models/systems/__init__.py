"""What a sweep compares: systems, each a name of one literal table."""
