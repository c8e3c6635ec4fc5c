"""Fixed transforms of images: cosines, subbands, colour axes, cells and their edges."""
