"""Pretrained models behind small interfaces."""
