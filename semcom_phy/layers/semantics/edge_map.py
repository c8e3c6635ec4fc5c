"""Where a picture has its strongest edges, on a coarse grid."""

from keras import ops


def edge_map(images, patch, count):
    """Patches with the steepest brightness, at most so many of a picture.

    Their number is bounded because the length of their code grows with it, and the map
    goes out in a room of fixed size.

    Input
    -----
    images : [batch, H, W, 3], `float32`
        In [0, 1]

    patch : `int`
        Side of a patch, which divides the sides of the images [pixels]

    count : `int`
        Fewer than there are patches

    Output
    ------
    edges : [batch, H / patch, W / patch], `float32`
        1 where the mean squared difference of neighbouring pixels is above that of all
        but ``count`` patches, else 0
    """
    grey = ops.mean(images, axis=-1)
    right = ops.pad(ops.diff(grey, axis=2), ((0, 0), (0, 0), (0, 1)))
    below = ops.pad(ops.diff(grey, axis=1), ((0, 0), (0, 1), (0, 0)))
    steep = ops.square(right) + ops.square(below)
    strength = ops.average_pool(steep[..., None], patch, patch)[..., 0]
    listed = ops.reshape(strength, (-1, strength.shape[1] * strength.shape[2]))
    least = ops.sort(listed, axis=-1)[:, -count - 1]
    return ops.cast(strength > least[:, None, None], "float32")
