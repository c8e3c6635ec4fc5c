"""Which code computed a result: found, compared, and what becomes of stale points."""
