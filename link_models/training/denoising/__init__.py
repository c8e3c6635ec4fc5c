"""Training the denoiser of SGDJSCC on the values of a network that stays as it is."""
