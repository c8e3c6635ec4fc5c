"""The radio link: power, framing, channel models, estimation and detection."""
