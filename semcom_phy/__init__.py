"""Building blocks of semantic and separate communication over one MIMO link."""

import os

# TensorFlow reads it when it is loaded: errors only, no start-up chatter.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
