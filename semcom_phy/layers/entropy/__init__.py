"""Entropy models: how many bits features take, and how much maps have to say."""
