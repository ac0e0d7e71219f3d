"""An HTTP client that posts, and a server that writes down what is posted. Run as `python -m … KIND PORT [BOOK]`."""

import http.client
import http.server
import sys
from pathlib import Path

from tests.integration.relays.victims import STEPS


def post(port: int) -> None:
    """Twelve POSTs on one kept-alive connection, every other one chunked."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(STEPS):
        body = b"step=%d" % number
        chunked = number % 2 == 1
        connection.request(
            "POST", f"/steps/{number}?secret=1", iter([body]) if chunked else body, encode_chunked=chunked
        )
        connection.getresponse().read()


class BookHandler(http.server.BaseHTTPRequestHandler):
    """Writes a line for each POST before it answers."""

    protocol_version = "HTTP/1.1"
    book = Path("/dev/null")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.book.open("ab") as file:
            file.write(body + b"\n")
        self.send_response(204)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def serve(port: int, book: Path) -> None:
    """Serve until killed."""
    BookHandler.book = book
    http.server.HTTPServer(("127.0.0.1", port), BookHandler).serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "post":
        post(int(sys.argv[2]))
    else:
        serve(int(sys.argv[2]), Path(sys.argv[3]))
