"""Editors: models that repaint a picture as a prompt says, or repair it."""


def _restoration():
    from semcom_phy.knowledge_base.editor.restoration import RestorationEditor

    return RestorationEditor()


def _embedded_diffusion():
    from semcom_phy.knowledge_base.editor.embedded_diffusion import (
        EmbeddedDiffusionEditor,
    )
    from semcom_phy.knowledge_base.generator import find_generator

    return EmbeddedDiffusionEditor(find_generator("embedded"), _restoration())


EDITORS = {"embedded": _restoration, "embedded-diffusion": _embedded_diffusion}


def find_editor(name):
    """An editor by its name.

    Parameters
    ----------
    name : `str` or path
        "embedded" (restoration, whatever the prompt), "embedded-diffusion" (repaints
        after it), ``URL#MODEL`` of a server, or a hub id or folder of a pipeline of
        diffusers (:data:`.pipelines.KINDS`)

    Output
    ------
    : :class:`~semcom_phy.knowledge_base.interfaces.ImageEditor`

    Raises
    ------
    FileNotFoundError
        If there is no such model.

    ValueError
        If what is there is no editor.

    ImportError
        If the extra is not installed.
    """
    name = str(name)
    if name in EDITORS:
        return EDITORS[name]()
    if name.startswith(("http://", "https://")):
        from semcom_phy.knowledge_base.endpoint import EndpointEditor

        return EndpointEditor(name)
    from semcom_phy.knowledge_base.editor.pipelines import PipelineEditor

    return PipelineEditor(name)
