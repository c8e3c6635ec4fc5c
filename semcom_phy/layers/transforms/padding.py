"""Images of any size for networks that take whole cells: edges repeated, later cut."""

from keras import ops


def whole_cells(height, width, cell):
    """Sides with which an image is in whole cells: the next multiples.

    Parameters
    ----------
    height, width : `int`
        Of the image [pixels]

    cell : `int`
        Side of a cell [pixels]

    Output
    ------
    height, width : `int`
        Of the padded image [pixels]
    """
    return height + -height % cell, width + -width % cell


def pad_edges(images, cell):
    """Repeats the last row and column of images until they are in whole cells.

    The same images where they are already: nothing is computed.

    Input
    -----
    images : [batch, height, width, channels], `float32`

    cell : `int`
        Side of a cell [pixels]

    Output
    ------
    : [batch, height up to a multiple of cell, width likewise, channels], `float32`
        The images in their upper left corner
    """
    for axis in (1, 2):
        missing = -images.shape[axis] % cell
        if missing:
            last = images[:, -1:] if axis == 1 else images[:, :, -1:]
            edge = ops.repeat(last, missing, axis=axis)
            images = ops.concatenate([images, edge], axis=axis)
    return images


def cut_edges(images, height, width):
    """Inverse of :func:`pad_edges` for images of a height and width; smaller ones stay
    as they are.

    Input
    -----
    images : [batch, padded height, padded width, channels], `float32`

    height, width : `int`
        Of the images before [pixels]
    """
    if images.shape[1] <= height and images.shape[2] <= width:
        return images
    return images[:, :height, :width]
