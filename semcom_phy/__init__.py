"""Building blocks of semantic and separate communication over one MIMO link."""
