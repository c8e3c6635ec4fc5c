"""How a trunk of features changes an image: local contrast and an additive update."""

from keras import ops

from semcom_phy.layers.transforms.spectrum import from_cells


def refine(image, cells, gain_and_update, size):
    """Scales the detail of each cell and adds to it.

    Input
    -----
    image : [batch, H, W, C], `float32`
        Any image

    cells : [batch, H/size, W/size, size * size * C], `float32`
        The same image, or another, in cells (:func:`~.spectrum.to_cells`)

    gain_and_update : [batch, H/size, W/size, 2 * size * size * C], `float32`
        From a trunk; 0 leaves the image as it is

    size : `int`
        Side of a cell [pixels]

    Output
    ------
    : [batch, H, W, C], `float32`
    """
    gain, update = ops.split(gain_and_update, 2, axis=-1)
    _, rows, columns, depth = cells.shape
    shape = (-1, rows, columns, size**2, depth // size**2)
    pixels = ops.reshape(cells, shape)
    detail = pixels - ops.mean(pixels, axis=3, keepdims=True)
    detail = ops.reshape(detail, (-1, rows, columns, depth))
    change = detail * (ops.exp(3.0 * ops.tanh(gain / 3.0)) - 1.0) + update
    return image + from_cells(change, size)
