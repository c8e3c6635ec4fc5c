"""Ready experiments: one frozen scenario per file, one command line for all."""
