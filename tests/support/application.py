"""A stand-in for an application that a carrier calls back: it keeps what came and answers what it is told to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, str]
Answers = Callable[["Received"], Answer]
EMPTY_TWIML = "<Response/>"


@dataclass(frozen=True)
class Received:
    """One request that came in."""

    method: str
    url: str
    params: dict[str, str]
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """Without host and query."""
        return urlsplit(self.url).path


class Application:
    """Listens on a free loopback port.

    `answers` maps a path to what is answered there, a text (with status 200) or a function of the request; other paths
    get an empty Response.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: dict[str, str | Answers] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def at(self, path: str) -> list[Received]:
        """What came to a path so far, in order."""
        return [request for request in tuple(self.received) if request.path == path]

    def _answer(self, request: Received) -> Answer:
        self.received.append(request)
        answer = self.answers.get(request.path, EMPTY_TWIML)
        return (200, answer) if isinstance(answer, str) else answer(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                params = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
                self._serve(params)

            def do_GET(self) -> None:
                self._serve(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)))

            def _serve(self, params: dict[str, str]) -> None:
                url = application.url + self.path
                status, text = application._answer(Received(self.command, url, params, dict(self.headers)))
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return

        return Handler

    @contextmanager
    def listening(self) -> Iterator["Application"]:
        """Serves for the length of a block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
