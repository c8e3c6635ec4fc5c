"""The differentiable chain: encoder, frame of segments, radio link, decoder."""
