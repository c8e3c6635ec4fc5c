"""Building blocks of semantic and separate communication over one MIMO link."""

import os

from semcom_phy.generation import choose_backend, installed_sionna

# TensorFlow reads it when it is loaded: errors only, no start-up chatter.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Keras reads it when it is loaded, by whichever module of ours comes first.
choose_backend(installed_sionna())
