"""Networks that follow the SNR, the channel or a rate."""
