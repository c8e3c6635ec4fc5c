"""HTML and JSON that hold any text: whatever a file says stays text."""

import base64
import hashlib
import html
import json


def escape(text):
    """Text between tags or within a quoted attribute."""
    return html.escape(str(text), quote=True)


def element(tag, *content, **attributes):
    """An element; its content is markup, its attributes are texts. ``class_`` is
    ``class``, and ``data_figure`` is ``data-figure``."""
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
    )
    return f"<{tag}{given}>{''.join(content)}</{tag}>"


def table(head, rows, corner="", **attributes):
    """A table of texts: a row of heads, and rows that begin with theirs."""
    top = element("th", escape(corner), scope="col")
    top += "".join(element("th", escape(text), scope="col") for text in head)
    body = "".join(
        element(
            "tr",
            element("th", escape(first), scope="row"),
            *(element("td", escape(text)) for text in rest),
        )
        for first, *rest in rows
    )
    parts = element("thead", element("tr", top)), element("tbody", body)
    return element("div", element("table", *parts), class_="scroll", **attributes)


def pairs_list(entries):
    """A list of names and what they stand for, `dict` of texts."""
    return element(
        "dl",
        *(
            element("dt", escape(name)) + element("dd", escape(text))
            for name, text in entries.items()
        ),
    )


def lines(texts):
    """A paragraph for each text."""
    return "".join(element("p", escape(text), class_="note") for text in texts)


def json_block(value):
    """Plain values as a block that a script reads. Nothing in it ends the block."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/json">{text}</script>'


def source_hash(text):
    """What a Content-Security-Policy calls an inline script or style by."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
