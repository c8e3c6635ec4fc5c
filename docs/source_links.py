"""Links of the pages to files of the repository.

On GitHub a relative link opens the file. On the site a link to a module opens its page
in the API reference, and one to README.md or CHANGELOG.md the page that holds the same;
other files (tests, TOML) are offered for download.
"""

from pathlib import Path

from sphinx import addnodes

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = {"README.md": "index", "CHANGELOG.md": "changelog"}


def to_pages(app, doctree):
    """Makes downloads of files that have a page references to it, in place."""
    for node in list(doctree.findall(addnodes.download_reference)):
        here = Path(app.env.doc2path(node["refdoc"])).resolve().parent
        file = (here / node["reftarget"]).resolve()
        page = page_of(file.relative_to(REPOSITORY), app.config.apidoc_modules)
        if page:
            reference = addnodes.pending_xref(
                node.rawsource,
                *node.children,
                refdomain="std",
                reftype="doc",
                reftarget=f"/{page}",
                refexplicit=True,
                refwarn=True,
                refdoc=node["refdoc"],
            )
            reference.source, reference.line = node.source, node.line
            node.replace_self(reference)


def page_of(file, packages):
    """Name of the page about a file, `str`, or `None` if there is none."""
    destinations = {Path(p["path"]).name: p["destination"] for p in packages}
    package = file.parts[0]
    if file.suffix == ".py" and package in destinations:
        parts = file.with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        return f"{destinations[package]}/{module}"
    return PAGES.get(str(file))
