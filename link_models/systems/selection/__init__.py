"""A picture is sent as what selects it among candidates that both ends hold."""
