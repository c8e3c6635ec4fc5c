"""Pictures of what a caption says.

===========================  ==========================================================
name                         what it is
===========================  ==========================================================
``embedded``                 :class:`.diffusion.DiffusionGenerator`: shipped, 32x32
``gallery``                  :class:`.gallery.Gallery` of the photographs that packages
                             ship
``gallery:DATASET``          the same of the split train of a data set
folder, or name on the hub   :class:`.pipeline.PipelineGenerator` of diffusers
===========================  ==========================================================
"""

from pathlib import Path

GALLERY = "gallery"
# Sides of the pictures of a gallery [pixels]; of other data sets 64.
_SIDES = {"cifar10": 32, "stanford_cars": 96, "flickr8k_images": 128}
_SIDE = 64


def find_generator(name):
    """An image generator by its name.

    Parameters
    ----------
    name : `str` or path
        Of the table above; a data set is "cifar10", a folder, or its name in
        ``$SEMCOM_DATA``

    Output
    ------
    : :class:`~semcom_phy.knowledge_base.interfaces.ImageGenerator`

    Raises
    ------
    ImportError, FileNotFoundError, ValueError
        If the extra is not installed, or there is no such model or data set.
    """
    name = str(name)
    if name == "embedded":
        from semcom_phy.knowledge_base.generator.diffusion import DiffusionGenerator

        return DiffusionGenerator()
    kind, _, dataset = name.partition(":")
    if kind == GALLERY:
        return _gallery(dataset)
    from semcom_phy.knowledge_base.generator.pipeline import PipelineGenerator

    return PipelineGenerator(name)


def _gallery(dataset):
    from semcom_phy.knowledge_base.generator.gallery import Gallery
    from semcom_phy.knowledge_base.generator.photographs import captioned_photographs
    from semcom_phy.knowledge_base.sentence_encoder import sentence_encoder
    from semcom_phy.sources.data_folders import find_data_folder
    from semcom_phy.sources.images import load_samples

    if not dataset:
        return Gallery(captioned_photographs(), sentence_encoder())
    folder = dataset
    if dataset != "cifar10" and not Path(dataset).is_dir():
        folder = find_data_folder(dataset)
    side = _SIDES.get(Path(dataset).name, _SIDE)
    samples = load_samples(folder, None, side, split="train")
    return Gallery(samples, sentence_encoder())
