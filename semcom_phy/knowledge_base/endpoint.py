"""Captions and edits from a model behind an address, in OpenAI's protocol.

    "https://api.example.com/v1#MODEL"  -->  POST /chat/completions   EndpointCaptioner
                                        -->  POST /images/edits       EndpointEditor

vLLM, SGLang, LocalAI and others speak it too. What follows # is the model's name there.

The key is read from ``SEMCOM_ENDPOINT_KEY`` when a request is made, and goes to that
host alone: it is in no message, identity or file, redirects are refused, and where it
would travel in the clear (http, except on this machine) the address is refused.
Without the variable no key is sent. What the host answers is kept for the time of the
process, so that nothing is asked, or paid, twice.

What stands behind an address may change without notice: a figure made with it is not
reproducible in the way of a frozen model's.

References
----------
OpenAI API reference, "Create chat completion", "Create image edit".
"""

import base64
import http.client
import io
import ipaddress
import json
import os
import urllib.error
import urllib.request
import uuid
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from semcom_phy.knowledge_base.captioner.clean_caption import clean_caption
from semcom_phy.knowledge_base.checks import check_images, check_pictures
from semcom_phy.knowledge_base.content_cache import ContentCache

KEY = "SEMCOM_ENDPOINT_KEY"
ASKED = (
    "Describe this photo in one short sentence of plain words, as one who sees it for "
    "the first time. Answer with the sentence alone."
)
_MOST_BYTES = 64 * 2**20  # of an answer
_FORMATS = "PNG", "JPEG", "WEBP"
_SHOWN = 160  # characters of a host's own message
# A caption does not begin like this.
_REFUSALS = ("i'm sorry", "i’m sorry", "sorry,", "i can't", "i can’t", "i cannot")
_REMEDIES = {
    400: "change prompt or picture, or check the model after #",
    401: f"set {KEY} to a valid key",
    403: f"the key in {KEY} may not use this model",
    404: "check the address (it usually ends in /v1) and the model after #",
    429: "too many requests, or no credit: wait, or ask for less",
}


class EndpointError(ValueError):
    """A host refuses, answers too late, or answers what cannot be used; one line."""


class Endpoint:
    r"""One model behind one address.

    Parameters
    ----------
    address : `str`
        ``URL#MODEL``; https, or http on this machine

    timeout : `float`, (default 60)
        Longest silence of the host [s]

    Raises
    ------
    ValueError
        If the address is no such, or the time-out is not positive.
    """

    def __init__(self, address, timeout=60.0):
        parts = urlsplit(str(address))
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        self.model, self.host, self.timeout = parts.fragment, parts.netloc, timeout
        if "@" in parts.netloc or parts.query:
            raise ValueError(  # without the address: it may hold a secret
                f"the address of an endpoint at {parts.hostname} has a user name or a "
                f"query in it, which would be recorded: give the key in {KEY}"
            )
        known = parts.scheme in ("http", "https")
        if not known or not parts.hostname or not self.model:
            raise ValueError(
                f"{address!r} is no endpoint: give URL#MODEL, such as "
                "https://api.example.com/v1#gpt-image-1"
            )
        self.on_this_machine = _is_loopback(parts.hostname)
        if parts.scheme == "http" and not self.on_this_machine:
            raise ValueError(
                f"{address!r} would send key and pictures in the clear: give https "
                "(http is for this machine alone)"
            )
        if not timeout > 0:
            raise ValueError(f"timeout is {timeout!r}; give a positive number [s]")

    def post(self, path, content, content_type):
        """What the host answers to a request, a `dict`.

        Raises
        ------
        EndpointError
            If it refuses, is silent for too long, or answers no JSON object.
        """
        request = urllib.request.Request(self.url + path, content, method="POST")
        request.add_header("Content-Type", content_type)
        key = _key()
        if key:
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        handlers: list[Any] = [_NoRedirect]
        if self.on_this_machine:  # a proxy would be another machine
            handlers.append(urllib.request.ProxyHandler({}))
        try:
            opener = urllib.request.build_opener(*handlers)
            with opener.open(request, timeout=self.timeout) as response:
                body = response.read(_MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from None
        except urllib.error.URLError as error:
            raise self._lost(error.reason) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from None
        if len(body) > _MOST_BYTES:
            raise self.error(f"answers with more than {_MOST_BYTES >> 20} MiB")
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self.error(
                "does not answer with a JSON object: check that the address is that of "
                "an OpenAI-compatible server"
            )
        if answer.get("error"):
            raise self.error(f"refuses: {_message(answer)}")
        return answer

    def error(self, what):
        """An :class:`EndpointError` of one line that names the host."""
        return EndpointError(_without_key(" ".join(f"{self.host} {what}".split())))

    def _lost(self, reason):
        if isinstance(reason, TimeoutError):
            return self.error(
                f"is silent for {self.timeout:g} s: try again, or give a longer timeout"
            )
        return self.error(f"cannot be reached ({reason}): is it running?")

    def _refused(self, error):
        if 300 <= error.code < 400:
            where = urlsplit(error.headers.get("Location", "")).hostname
            return self.error(f"redirects to {where}: give that address itself")
        try:
            message = _message(json.loads(error.read(_MOST_BYTES)))
        except (OSError, ValueError):
            message = str(error.reason)
        remedy = _REMEDIES.get(error.code)
        if remedy is None and error.code >= 500:
            remedy = "the host itself has failed: try again later"
        remedy = remedy or "check the model after # and what it takes"
        return self.error(f"answers {error.code} ({message}): {remedy}")


class EndpointCaptioner:
    r"""Captions of a model that sees, at an address.

    Pictures are sent as PNG, at temperature 0.

    Parameters
    ----------
    address : `str`
        ``URL#MODEL``

    asked : `str`, (default :data:`ASKED`)
        What the model is asked about a picture

    max_tokens : `int`, (default 60)
        Of an answer

    timeout : `float`, (default 60)
        Longest silence of the host [s]

    Raises
    ------
    ValueError
        If the address is none.

    EndpointError
        On ``caption``, if the host refuses, is late, or answers no caption.
    """

    def __init__(self, address, asked=ASKED, max_tokens=60, timeout=60.0):
        self.endpoint = Endpoint(address, timeout)
        self.asked, self.max_tokens = asked, max_tokens
        self.identity = {
            "model": self.endpoint.model,
            "endpoint": self.endpoint.url,
            "asked": asked,
            "max_tokens": max_tokens,
        }
        self._cache = ContentCache()

    def caption(self, images):
        # One by one, so that what is answered is kept if a later one is refused.
        return [
            self._cache.answers([image], self._ask)[0] for image in check_images(images)
        ]

    def _ask(self, images):
        return [self._caption_of(image) for image in images]

    def _caption_of(self, image):
        shown = base64.b64encode(_png(image)).decode()
        content = [
            {"type": "text", "text": self.asked},
            {
                "type": "image_url",
                "image_url": {"url": f"data:image/png;base64,{shown}"},
            },
        ]
        request = {
            "model": self.endpoint.model,
            "messages": [{"role": "user", "content": content}],
            "temperature": 0,
            "max_tokens": self.max_tokens,
        }
        answer = self.endpoint.post(
            "/chat/completions", json.dumps(request).encode(), "application/json"
        )
        try:
            choice = answer["choices"][0]
            stopped, message = choice.get("finish_reason"), choice["message"]
            text, refusal = message["content"], message.get("refusal")
        except (KeyError, IndexError, TypeError, AttributeError):
            raise self.endpoint.error("answers without a caption") from None
        if refusal or stopped == "content_filter":
            raise self._refusal(refusal or "its content filter")
        if not isinstance(text, str) or not text.strip():
            raise self.endpoint.error(
                "answers with an empty caption: take a model that sees pictures, or a "
                "larger max_tokens"
            )
        caption = clean_caption(text.strip("\"' \n"))
        if caption.startswith(_REFUSALS):
            raise self._refusal(caption)
        return caption

    def _refusal(self, why):
        why = _without_key(str(why))[:_SHOWN]
        return self.endpoint.error(
            f"refuses a caption ({why}): leave the picture out, or take another model"
        )


class EndpointEditor:
    r"""Edits of a model at an address.

    The protocol knows no seed: a picture and a prompt have one answer for the time of
    the process, whatever the seed. An answer of another size and the same aspect ratio
    is brought back to the picture's (Lanczos).

    Parameters
    ----------
    address : `str`
        ``URL#MODEL``

    timeout : `float`, (default 300)
        Longest silence of the host [s]

    Raises
    ------
    ValueError
        If the address is none.

    EndpointError
        On ``edit``, if the host refuses, is late, or answers no picture, or one of
        another aspect ratio.
    """

    def __init__(self, address, timeout=300.0):
        self.endpoint = Endpoint(address, timeout)
        self.identity = {
            "model": self.endpoint.model,
            "endpoint": self.endpoint.url,
            "seed": "without influence",
        }
        self._cache = ContentCache()

    def edit(self, images, prompts, seed):
        images, prompts = check_pictures(images, prompts)
        edited = np.empty_like(images)
        for place, image, prompt in zip(edited, images, prompts, strict=True):
            # One by one, so that what is answered is kept if a later one is refused.
            (place[:],) = self._cache.answers(
                [image], lambda new, prompt=prompt: self._ask(new, prompt), prompt
            )
        return edited

    def _ask(self, images, prompt):
        return [self._edited(image, prompt) for image in images]

    def _edited(self, image, prompt):
        fields = {"model": self.endpoint.model, "prompt": prompt, "n": "1"}
        # OpenAI's own models always answer so, and refuse to be told; others have to.
        if not self.endpoint.model.startswith("gpt-image"):
            fields["response_format"] = "b64_json"
        content, content_type = _form(fields, _png(image))
        answer = self.endpoint.post("/images/edits", content, content_type)
        try:
            coded = answer["data"][0]["b64_json"]
        except (KeyError, IndexError, TypeError):
            raise self.endpoint.error(
                "answers without b64_json: set the server to answer with the picture "
                "itself, not with an address"
            ) from None
        try:
            file = io.BytesIO(base64.b64decode(coded, validate=True))
            picture = Image.open(file, formats=_FORMATS).convert("RGB")
        except Exception:  # Pillow's decoders raise many kinds
            raise self.endpoint.error(
                "answers with something that is no picture: check the model after #"
            ) from None
        height, width = image.shape[:2]
        if abs(picture.width * height - picture.height * width) > max(picture.size):
            raise self.endpoint.error(
                f"answers with a picture of {picture.height}x{picture.width} to one of "
                f"{height}x{width}: send pictures of an aspect ratio that the model has"
            )
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.LANCZOS)
        return np.array(picture)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        return None  # ends as the HTTPError of the code


def _is_loopback(host):
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key():
    key = os.environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise EndpointError(f"{KEY} holds characters that no key has: set it anew")
    return key


def _message(answer):
    """What a host says of an error, whichever of the usual forms it takes."""
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    told = error.get("message", error) if isinstance(error, dict) else error
    return _without_key(str(told))[:_SHOWN]


def _without_key(text):
    """A host may repeat the key; masked before anything is cut off."""
    key = _key()
    return text.replace(key, "***") if key else text


def _png(image):
    with io.BytesIO() as file:
        Image.fromarray(np.ascontiguousarray(image)).save(file, "PNG")
        return file.getvalue()


def _form(fields, png):
    """A form of texts and one picture, and its content type."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        f"{value}\r\n".encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; '
        'filename="image.png"\r\nContent-Type: image/png\r\n\r\n'
    )
    parts += [head.encode(), png, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
