"""Frozen models that both ends of a link hold, behind small interfaces.

NumPy arrays and strings go in and come out; libraries that know PyTorch alone
(transformers, diffusers) stay inside. All interfaces: :mod:`.interfaces`.
"""
