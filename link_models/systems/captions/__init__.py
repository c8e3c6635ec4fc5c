"""Systems that send captions."""
