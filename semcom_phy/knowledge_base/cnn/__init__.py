"""Convolutional networks: what a picture shows at each of its places.

===========================  ==========================================================
name                         what it is
===========================  ==========================================================
``embedded``                 :class:`~..efficientnet.EfficientNetLite0`, of a package
folder, or name on the hub   :class:`.transformers_resnet.TransformersResNet`
===========================  ==========================================================
"""


def find_cnn(name):
    """A convolutional network by its name.

    Parameters
    ----------
    name : `str` or path
        "embedded", or a hub id or folder of a ResNet of transformers, such as
        "microsoft/resnet-50"

    Output
    ------
    : :class:`~semcom_phy.knowledge_base.interfaces.Cnn`

    Raises
    ------
    FileNotFoundError
        If there is no such model.

    ValueError
        If what is there is no ResNet, or not whole.

    ImportError
        If the extra is not installed.
    """
    name = str(name)
    if name == "embedded":
        from semcom_phy.knowledge_base.efficientnet import efficientnet

        return efficientnet()
    from semcom_phy.knowledge_base.cnn.transformers_resnet import TransformersResNet

    return TransformersResNet.load(name)
