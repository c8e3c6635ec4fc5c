"""A headless Chromium for tests, told what to do over a pipe (DevTools protocol).

Needs no package and no port: the browser reads commands from its file descriptor 3 and
answers on 4, each message ending with a zero byte.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import tempfile
import time
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe"),
    "--window-size=1150,900",
)
_SECONDS = 60


def find_chromium():
    """Path of the browser, or `None` where none is installed."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


class Chromium:
    """A browser with one page, to be used in a ``with`` block.

    Attributes
    ----------
    requests : `list` of `str`
        Addresses that the page asked for, the page itself first
    errors : `list` of `str`
        What scripts, or the page's policy, complained of
    """

    def __init__(self, program):
        self.program = program
        self.requests, self.errors = [], []
        self._number, self._read, self._events = 0, b"", []

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        ends = [*os.pipe(), *os.pipe()]
        # Away from 3 and 4, which become the browser's.
        ends = [self._moved(end) for end in ends]
        to_browser, self._write_end, self._read_end, from_browser = ends
        self._pid = os.posix_spawn(
            self.program,
            [self.program, *_OPTIONS, f"--user-data-dir={self._folder.name}"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, to_browser, 3),
                (os.POSIX_SPAWN_DUP2, from_browser, 4),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        os.close(to_browser)
        os.close(from_browser)
        self._session = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send(
            "Target.attachToTarget", targetId=target, flatten=True
        )["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(self, *error):
        self._session = None
        try:
            self.send("Browser.close")
        finally:
            os.close(self._write_end)
            os.close(self._read_end)
            os.waitpid(self._pid, 0)
            self._folder.cleanup()

    def open(self, path):
        """Opens a file and waits until it is loaded."""
        self._events.clear()
        self.send("Page.navigate", url=Path(path).resolve().as_uri())
        while "Page.loadEventFired" not in self._events:
            self._take()

    def run(self, script):
        """The value of an expression in the page."""
        answer = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def place(self, selector):
        """Left, top, width and height of an element, scrolled to [pixel]."""
        return self.run(
            f"(() => {{const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const b = e.getBoundingClientRect();"
            "return [b.left, b.top, b.width, b.height];})()"
        )

    def click(self, selector, across=0.5, down=0.5):
        """Presses and releases the mouse at a place of an element."""
        left, top, width, height = self.place(selector)
        at = {"x": left + across * width, "y": top + down * height}
        self.send("Input.dispatchMouseEvent", type="mouseMoved", **at)
        for kind in ("mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent",
                type=kind,
                button="left",
                buttons=1,
                clickCount=1,
                **at,
            )

    def hover(self, selector):
        """Moves the mouse onto the middle of an element."""
        left, top, width, height = self.place(selector)
        at = {"x": left + width / 2, "y": top + height / 2}
        self.send("Input.dispatchMouseEvent", type="mouseMoved", **at)

    def press(self, selector, key):
        """Focuses an element and presses a key, such as "ArrowRight"."""
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        codes = {"ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40, "Home": 36}
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=codes[key],
            )

    def choose(self, selector, value):
        """Chooses an entry of a select, as a person would: with its event."""
        self.run(
            f"(() => {{const e = document.querySelector({json.dumps(selector)});"
            f"e.value = {json.dumps(value)};"
            "e.dispatchEvent(new Event('change', {bubbles: true}));})()"
        )

    def screenshot(self, path, whole=False):
        """Writes what is seen, or the whole page, as PNG."""
        picture = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(picture["data"]))

    def send(self, method, **parameters):
        """Sends a command and returns its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._take()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _take(self):
        """The next message; what it tells of requests and errors is noted."""
        end = time.monotonic() + _SECONDS
        while b"\0" not in self._read:
            left = max(0.0, end - time.monotonic())
            ready, _, _ = select.select([self._read_end], [], [], left)
            found = os.read(self._read_end, 1 << 20) if ready else b""
            if not found:
                raise TimeoutError("Chromium does not answer")
            self._read += found
        text, _, self._read = self._read.partition(b"\0")
        message = json.loads(text)
        about, method = message.get("params", {}), message.get("method")
        if method is not None:
            self._events.append(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(about["exceptionDetails"]["exception"]["description"])
        elif method == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.errors.append(about["entry"]["text"])
        return message

    @staticmethod
    def _moved(end):
        moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
        os.close(end)
        return moved
