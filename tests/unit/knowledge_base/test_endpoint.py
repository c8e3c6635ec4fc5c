"""Captions and edits over HTTP, against a server of the test's own."""

import base64
import io
import json
import traceback

import numpy as np
import pytest
from model_server import Server
from PIL import Image

from semcom_phy.knowledge_base.endpoint import (
    KEY,
    EndpointCaptioner,
    EndpointEditor,
    EndpointError,
)

SECRET = "sk-secret-4711"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv(KEY, SECRET)
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3), dtype="uint8")


def caption_answer(text, **message):
    return {"choices": [{"message": {"content": text, **message}}]}


def edit_answer(picture, codec="PNG"):
    with io.BytesIO() as file:
        Image.fromarray(picture).save(file, codec)
        return {"data": [{"b64_json": base64.b64encode(file.getvalue()).decode()}]}


def captioner(server, **options):
    return EndpointCaptioner(f"{server.url}#sees", **options)


def editor(server, model="edits", **options):
    return EndpointEditor(f"{server.url}#{model}", **options)


def test_caption_is_asked_with_the_picture_and_cleaned(server, images):
    """What arrives at the server is the picture itself, losslessly, and the key."""
    server.says(caption_answer('  "A Dog\nruns. '))
    assert captioner(server).caption(images[:1]) == ["a dog runs"]
    ((path, headers, content),) = server.asked
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {SECRET}"
    request = json.loads(content)
    assert request["model"] == "sees"
    url = request["messages"][0]["content"][1]["image_url"]["url"]
    head, coded = url.split(",")
    assert head == "data:image/png;base64"
    shown = np.array(Image.open(io.BytesIO(base64.b64decode(coded))))
    np.testing.assert_array_equal(shown, images[0])


def test_edit_is_asked_with_picture_and_prompt(server, images):
    """The form has the fields of the protocol, and the answer is the edited picture."""
    server.says(edit_answer(images[1]))
    edited = editor(server).edit(images[:1], ["sharpen it"], seed=1)
    np.testing.assert_array_equal(edited, images[1:])
    ((path, headers, content),) = server.asked
    assert path == "/v1/images/edits"
    boundary = headers["Content-Type"].split("boundary=")[1].encode()
    parts = [p.strip(b"\r\n") for p in content.split(b"--" + boundary)[1:-1]]
    form = {}
    for part in parts:
        head, _, value = part.partition(b"\r\n\r\n")
        form[head.split(b'name="')[1].split(b'"')[0].decode()] = value
    shown = np.array(Image.open(io.BytesIO(form.pop("image"))))
    np.testing.assert_array_equal(shown, images[0])
    assert form == {
        "model": b"edits",
        "prompt": b"sharpen it",
        "n": b"1",
        "response_format": b"b64_json",
    }


def test_openais_own_models_are_not_told_the_form_of_the_answer(server, images):
    server.says(edit_answer(images[1]))
    editor(server, "gpt-image-1").edit(images[:1], ["sharpen it"], seed=1)
    assert b"response_format" not in server.asked[0][2]


def test_nothing_is_asked_twice(server, images):
    """Pictures, prompts and their answers are kept; another prompt is asked."""
    server.says(caption_answer("a dog"))
    sees = captioner(server)
    assert sees.caption(images[[0, 1, 0]]) == ["a dog"] * 3
    sees.caption(images)
    assert len(server.asked) == 2
    server.asked.clear()
    server.says(edit_answer(images[1]))
    edits = editor(server)
    edits.edit(images[[0, 0]], ["a", "b"], seed=1)
    edits.edit(images[[0, 0]], ["b", "a"], seed=2)
    assert len(server.asked) == 2


def test_answers_before_a_refusal_are_kept(server, images):
    server.says(caption_answer("a dog"))
    sees = captioner(server)
    sees.caption(images[:1])
    server.status = 500
    with pytest.raises(EndpointError):
        sees.caption(images)
    server.asked.clear()
    assert sees.caption(images[:1]) == ["a dog"]
    assert not server.asked


@pytest.mark.parametrize(
    "status, said",
    [(401, KEY), (404, "/v1"), (429, "wait"), (500, "later"), (400, "prompt")],
)
def test_refusals_are_one_line_with_host_and_remedy(server, images, status, said):
    """Also where the host repeats the key in its message."""
    server.status = status
    server.says({"error": {"message": f"no:\nkey {SECRET} is bad"}})
    with pytest.raises(EndpointError) as caught:
        editor(server).edit(images, ["a", "b"], seed=1)
    text = str(caught.value)
    assert "\n" not in text and text.startswith("127.0.0.1:")
    assert str(status) in text and said in text and "key *** is bad" in text
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__suppress_context__


def test_a_key_is_not_cut_in_two_by_the_end_of_a_long_message(server, images):
    server.status = 401
    server.says({"error": {"message": "x" * 150 + SECRET}})
    with pytest.raises(EndpointError) as caught:
        captioner(server).caption(images)
    assert "x" * 150 + "***" in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"\xff"])
def test_malformed_answers_are_told(server, images, body):
    server.body = body
    with pytest.raises(EndpointError, match="JSON"):
        captioner(server).caption(images)


def test_error_in_an_answer_of_status_200_is_told(server, images):
    server.says({"error": "no such model"})
    with pytest.raises(EndpointError, match="refuses: no such model"):
        captioner(server).caption(images)


@pytest.mark.parametrize(
    "answer",
    [
        caption_answer(None, refusal="it is private"),
        caption_answer("I'm sorry, I can't help with that."),
        {"choices": [{"message": {"content": "a"}, "finish_reason": "content_filter"}]},
    ],
)
def test_refused_captions_are_no_captions(server, images, answer):
    server.says(answer)
    with pytest.raises(EndpointError, match="refuses a caption"):
        captioner(server).caption(images)


@pytest.mark.parametrize(
    "answer", [{}, {"choices": []}, {"choices": [None]}, caption_answer("  ")]
)
def test_answers_without_caption_are_told(server, images, answer):
    server.says(answer)
    with pytest.raises(EndpointError, match="caption"):
        captioner(server).caption(images)


@pytest.mark.parametrize("ask", ["caption", "edit"])
def test_silence_is_told(server, images, ask):
    server.wait = 0.5
    with pytest.raises(EndpointError, match=r"silent for 0.1 s"):
        if ask == "caption":
            captioner(server, timeout=0.1).caption(images)
        else:
            editor(server, timeout=0.1).edit(images, ["a", "b"], seed=1)


def test_nobody_there_is_told(images):
    with pytest.raises(EndpointError, match="127.0.0.1:1 cannot be reached"):
        EndpointCaptioner("http://127.0.0.1:1/v1#sees").caption(images)


@pytest.mark.parametrize("coded", ["!!", base64.b64encode(b"no picture").decode()])
def test_answers_that_are_no_picture_are_told(server, images, coded):
    server.says({"data": [{"b64_json": coded}]})
    with pytest.raises(EndpointError, match="no picture"):
        editor(server).edit(images, ["a", "b"], seed=1)


def test_truncated_picture_is_told(server, images):
    coded = edit_answer(images[0])["data"][0]["b64_json"]
    half = base64.b64encode(base64.b64decode(coded)[:200]).decode()
    server.says({"data": [{"b64_json": half}]})
    with pytest.raises(EndpointError, match="no picture"):
        editor(server).edit(images, ["a", "b"], seed=1)


def test_address_in_place_of_a_picture_is_told(server, images):
    server.says({"data": [{"url": "https://example.com/a.png"}]})
    with pytest.raises(EndpointError, match="b64_json"):
        editor(server).edit(images, ["a", "b"], seed=1)


def test_larger_answer_comes_back_to_the_pictures_size(server, images):
    """An answer of 64x96 to a picture of 16x24 is reduced."""
    server.says(edit_answer(np.full((64, 96, 3), 7, "uint8")))
    edited = editor(server).edit(images, ["a", "b"], seed=1)
    np.testing.assert_array_equal(edited, np.full_like(images, 7))


def test_answer_of_another_aspect_ratio_is_refused(server, images):
    server.says(edit_answer(np.zeros((64, 64, 3), "uint8")))
    with pytest.raises(EndpointError, match="64x64 to one of 16x24"):
        editor(server).edit(images, ["a", "b"], seed=1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_key_and_picture_go_to_no_other_host(server, images, status):
    """A redirect is refused, not followed."""
    other = Server()
    try:
        server.status, server.headers = status, {"Location": other.url}
        with pytest.raises(EndpointError, match="redirects to 127.0.0.1"):
            captioner(server).caption(images)
        assert not other.asked
    finally:
        other.stop()


def test_key_is_nowhere_but_in_the_request(server, images):
    server.says(caption_answer("a dog"))
    sees = captioner(server)
    sees.caption(images)
    seen = [repr(sees), sees.identity, vars(sees), vars(sees.endpoint)]
    assert SECRET not in repr(seen)
    assert sees.identity["endpoint"] == server.url and sees.identity["model"] == "sees"


def test_no_key_is_sent_without_the_variable(server, images, monkeypatch):
    monkeypatch.delenv(KEY)
    server.says(caption_answer("a dog"))
    captioner(server).caption(images)
    assert "Authorization" not in server.asked[0][1]


def test_key_that_is_none_is_told_without_it(server, images, monkeypatch):
    monkeypatch.setenv(KEY, "sk-1\nsk-2")
    with pytest.raises(EndpointError, match=KEY) as caught:
        captioner(server).caption(images)
    assert "sk-" not in str(caught.value) and not server.asked


def test_a_proxy_does_not_see_what_goes_to_this_machine(server, images, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    server.says(caption_answer("a dog"))
    assert captioner(server).caption(images[:1]) == ["a dog"]


@pytest.mark.parametrize(
    "address, told",
    [
        ("http://api.example.com/v1#sees", "https"),
        ("http://127.0.0.1.example.com/v1#sees", "https"),
        ("https://api.example.com/v1", "URL#MODEL"),
        ("api.example.com#sees", "URL#MODEL"),
        ("https://#sees", "URL#MODEL"),
        (f"https://me:{SECRET}@api.example.com/v1#sees", KEY),
        (f"https://api.example.com/v1?key={SECRET}#sees", KEY),
    ],
)
def test_addresses_that_are_refused(address, told):
    """Those that would send a key in the clear, name no model, or hold a secret."""
    with pytest.raises(ValueError, match=told) as caught:
        EndpointEditor(address)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "[::1]:80"])
def test_this_machine_may_be_asked_in_the_clear(host):
    assert EndpointEditor(f"http://{host}/v1#edits").identity["model"] == "edits"


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_timeouts_that_are_refused(timeout):
    with pytest.raises(ValueError, match="timeout"):
        EndpointEditor("https://api.example.com/v1#edits", timeout=timeout)
