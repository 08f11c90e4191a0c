"""The server behind the page: it hands out one HTML file and translates the pictures that the page sends.

Only this machine reaches it (127.0.0.1), and only pages that it served itself: a request under another host name, which
a foreign page could make the browser send, is refused.  Pictures stay in memory and are forgotten with the answer.  The
page's policy allows it no other server.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from lib.base import images
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.databases.alignment.photos import parse_eyes
from lib.evaluation import one_file_page
from lib.training.own_photo import there_and_back
from lib.training.translate import Translator

_PAGE = Path(__file__).parent / "page"
_LARGEST = 50_000_000  # bytes of one picture


class PageServer(ThreadingHTTPServer):
    """Serves the page and one network on 127.0.0.1; ``address`` is what a browser opens.

    port: 0 takes any that is free.  Raises StudyError where the port is taken.
    """

    daemon_threads = True

    def __init__(self, translator: Translator, port: int = 0):
        self.translator = translator
        self.one_at_a_time = threading.Lock()
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise StudyError(f"Port {port} cannot be used ({error.strerror or error}). Give another with --port, or "
                             "0 for any that is free.") from None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


def page() -> str:
    """The page as one HTML text, style and script inside, with a policy that names just these two."""
    allowed = ("img-src data: blob:", "media-src blob:", "connect-src 'self'")
    return one_file_page.filled(_PAGE, ["page.js"], allowed, {})


def both_directions(translator: Translator, picture: bytes, direction: str | None = None,
                    eyes: str | None = None) -> dict:
    """What the page shows for a picture file: its face, the translation, and of a photo the way back as well.

    direction: None decides by the look of the picture.  Returns ``direction``, ``pictures`` ([title, data URI] in the
    order shown) and ``remarks``.  Raises StudyError as ``lib.databases.alignment.align_photo`` does.
    """
    name = "your picture"
    photo = images.read_photo(io.BytesIO(picture), name)
    direction, shown, remarks = there_and_back(translator, photo, name, direction, parse_eyes(eyes) if eyes else None)
    return {"direction": direction, "pictures": [[title, _data_uri(made)] for title, made in shown],
            "remarks": list(remarks)}


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        if self._is_foreign():
            return
        if self.path == "/":
            self._answer(200, "text/html; charset=utf-8", page().encode())
        else:
            self._refuse(404, "No such page.")

    def do_POST(self) -> None:
        if self._is_foreign():
            return
        asked = urlsplit(self.path)
        length = self.headers.get("Content-Length", "")
        if asked.path != "/translate" or not length.isdigit():
            return self._refuse(400, "Send a picture to /translate.")
        if int(length) > _LARGEST:
            return self._refuse(413, f"your picture: more than {_LARGEST // 10**6} MB. Make it smaller first.")
        picture = self.rfile.read(int(length))
        options = {name: values[0] for name, values in parse_qs(asked.query).items()}
        direction = options.get("direction")
        try:
            if direction not in (None, *DIRECTIONS):
                raise StudyError(f"Unknown direction '{direction}'.")
            with self.server.one_at_a_time:
                result = both_directions(self.server.translator, picture, direction, options.get("eyes"))
        except StudyError as error:
            return self._refuse(422, str(error))
        self._answer(200, "application/json", json.dumps(result).encode())

    def _is_foreign(self) -> bool:
        port = self.server.server_port
        own = {f"127.0.0.1:{port}", f"localhost:{port}"}
        origin = self.headers.get("Origin")
        if self.headers.get("Host") in own and (origin is None or urlsplit(origin).netloc in own):
            return False
        self._refuse(403, "This page is for the machine that it runs on.")
        return True

    def _refuse(self, status: int, sentence: str) -> None:
        self.close_connection = True  # a body that was not read would be taken for the next request
        self._answer(status, "application/json", json.dumps({"error": sentence}).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"),
                            ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
                            *([("Connection", "close")] if self.close_connection else [])):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments) -> None:
        """Says nothing: what people do with their faces is nobody's business."""


def _data_uri(picture: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
