"""Pictures of what a caption says.

===========================  ==========================================================
name                         what it is
===========================  ==========================================================
``embedded``                 :class:`.diffusion.DiffusionGenerator`: shipped, 32x32
``classes:sample``,          :class:`.classes.ClassGenerator`: shipped, 32x32, of what
``classes:cifar10``          a few pictures show
``gallery``                  :class:`.gallery.Gallery` of the photographs that packages
                             ship
``gallery:DATASET``          the same of the split train of a data set
folder, or name on the hub   :class:`.pipeline.PipelineGenerator` of diffusers
===========================  ==========================================================
"""

GALLERY = "gallery"
CLASSES = "classes"


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
    if kind == CLASSES:
        from semcom_phy.knowledge_base.generator.classes import ClassGenerator

        return ClassGenerator(dataset)
    if kind == GALLERY:
        return _gallery(dataset)
    from semcom_phy.knowledge_base.generator.pipeline import PipelineGenerator

    return PipelineGenerator(name)


def _gallery(dataset):
    from semcom_phy.knowledge_base.generator.gallery import Gallery
    from semcom_phy.knowledge_base.held_pictures import held_pictures
    from semcom_phy.knowledge_base.sentence_encoder import sentence_encoder

    return Gallery(held_pictures(dataset), sentence_encoder())
