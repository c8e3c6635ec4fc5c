"""The train command of scenarios, for every kind of training."""
