"""Captioners by name."""

import sys
import types

import pytest

from semcom_phy.knowledge_base.captioner import CAPTIONERS, find_captioner
from semcom_phy.knowledge_base.captioner.questions import DETAILED, Question
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


def test_a_question_goes_to_those_that_take_one(monkeypatch):
    """A server with the length of its answer, a model of transformers by itself; the
    embedded ones are asked nothing (exact)."""

    class Loaded:
        def asked(self, question):
            return f"transformers asked {question.text}"

    endpoint = types.ModuleType("endpoint")
    endpoint.EndpointCaptioner = lambda url, *asked: (url, *asked)
    monkeypatch.setitem(sys.modules, "semcom_phy.knowledge_base.endpoint", endpoint)
    monkeypatch.setattr(TransformersCaptioner, "load", lambda name: Loaded())
    monkeypatch.setitem(CAPTIONERS, "embedded", lambda: "mine")
    why = Question("Why?", 7)
    assert find_captioner("https://h/v1#m", why) == ("https://h/v1#m", "Why?", 7)
    assert find_captioner("nobody/model", why) == "transformers asked Why?"
    assert find_captioner("embedded", why) == "mine"


def test_the_paper_s_question_is_whole():
    """All 83 words in six sentences, from the first to the last (exact)."""
    assert len(DETAILED.text.split()) == 83
    assert DETAILED.text.startswith("Describe the image in precise detail to enable ")
    assert DETAILED.text.endswith(" image faithfully reconstructs the original.")
    assert DETAILED.text.count(". ") == 5 and "  " not in DETAILED.text
    assert "(e.g., top, bottom, left, right) of each object and the" in DETAILED.text


def test_embedded_ones(monkeypatch):
    """They come from the table."""
    assert set(CAPTIONERS) == {"embedded", "tags"}
    monkeypatch.setitem(CAPTIONERS, "embedded", lambda: "mine")
    assert find_captioner("embedded") == "mine"
