"""Means, intervals and paired differences over what is independent."""
