"""Captioners by name."""

import sys
import types

import pytest

from semcom_phy.knowledge_base.captioner import CAPTIONERS, find_captioner
from semcom_phy.knowledge_base.captioner.transformers_captioner import (
    TransformersCaptioner,
)


@pytest.mark.parametrize(
    "name, made",
    [
        ("https://host/v1#model", "endpoint https://host/v1#model"),
        ("http://localhost:8000/v1", "endpoint http://localhost:8000/v1"),
        ("nobody/model", "transformers nobody/model"),
        ("./embedded", "transformers ./embedded"),
    ],
)
def test_what_a_name_stands_for(name, made, monkeypatch):
    """A URL for a server, all that is not in the table for transformers (exact)."""
    endpoint = types.ModuleType("endpoint")
    endpoint.EndpointCaptioner = lambda url: f"endpoint {url}"
    monkeypatch.setitem(sys.modules, "semcom_phy.knowledge_base.endpoint", endpoint)
    monkeypatch.setattr(
        TransformersCaptioner, "load", lambda name: f"transformers {name}"
    )
    assert find_captioner(name) == made


def test_embedded_ones(monkeypatch):
    """They come from the table."""
    assert set(CAPTIONERS) == {"embedded", "tags"}
    monkeypatch.setitem(CAPTIONERS, "embedded", lambda: "mine")
    assert find_captioner("embedded") == "mine"
