"""Images sent with a caption in the same frame, and edited by it at the receiver."""
