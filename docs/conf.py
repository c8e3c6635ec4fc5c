"""How Sphinx builds the site: ``make docs``."""

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from docstrings import as_restructured_text, without_fields  # noqa: E402
from source_links import to_pages  # noqa: E402

project = "semcom-phy"
author = "The semcom-phy authors"
version = release = installed_version("semcom-phy")
html_title = f"semcom-phy {version}"
html_theme = "furo"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.apidoc",
]
exclude_patterns = ["_build"]

# Pages: what GitHub shows is what the site shows.
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4

# Notebooks are stored without outputs and run when the site is built, each once as long
# as it does not change. NOTEBOOKS=off shows them as they are stored.
nb_execution_mode = "off" if os.environ.get("NOTEBOOKS") == "off" else "cache"
nb_execution_cache_path = str(Path(__file__).parent / "_build" / "notebooks")
nb_execution_in_temp = True
nb_execution_timeout = 900
nb_execution_raise_on_error = True

# The API reference: a page a module, from docstrings in the style of Sionna.
apidoc_modules = [
    {
        "path": f"../{package}",
        "destination": f"api/{package}",
        "separate_modules": True,
        "module_first": True,
        "include_private": False,
        "automodule_options": {"members", "undoc-members"},
    }
    for package in ("semcom_phy", "link_models", "scenarios")
]
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as written, not what they are on this machine
autodoc_typehints = "none"
default_role = "code"
suppress_warnings = [
    "ref.python",  # words of types that are names of several fields
    # A page that a command writes (coverage) may not be there; one that is there and
    # in no table of contents is still a warning.
    "toc.not_readable",
]
napoleon_custom_sections = [
    (f"{kind}{of}", "params_style")
    for kind in ("Input", "Output")
    for of in ("", *(f" of `{m}`" for m in ("encode", "decode", "spread", "despread")))
] + ["Input, Output"]
napoleon_use_rtype = False
napoleon_use_ivar = True


def setup(app):
    # Before napoleon, which comes at 500.
    app.connect("autodoc-process-docstring", as_restructured_text, priority=100)
    app.connect("autodoc-skip-member", without_fields)
    # Before Sphinx, at 500, takes what is left as files to download.
    app.connect("doctree-read", to_pages, priority=400)
