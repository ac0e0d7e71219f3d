"""Relays for HTTP: on the way out (the caller dies) and on the way in (the called dies)."""

import http.client
import http.server
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.relays.conftest import KILLED, Victims
from tests.support.polling import eventually
from tests.support.ports import free_port
from tests.support.relays.host import RelayHost
from tests.support.relays.http1 import Http1Wire
from tests.support.relays.ordered import OrderedConversation
from tests.support.relays.tap import Channel, Crash, Moment, Tap
from tests.support.relays.tcp import Relay


class Book(http.server.ThreadingHTTPServer):
    """Writes down each body; answers chunked on even steps, with a length on odd ones."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), BookHandler)
        self.bodies: list[bytes] = []


class BookHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Book

    def do_POST(self) -> None:
        self.server.bodies.append(self._body())
        self.send_response(201)
        if len(self.server.bodies) % 2:
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"1\r\no\r\n1;x=y\r\nk\r\n0\r\nTrailer: 1\r\n\r\n")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def book() -> Iterator[Book]:
    with Book() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def conversation(tap: Tap, channel: Channel) -> Callable[[], OrderedConversation]:
    return lambda: OrderedConversation(Http1Wire(channel), tap)


def relay(host: RelayHost, port: int, tap: Tap, channel: Channel) -> int:
    return host.add(Relay(("127.0.0.1", port), conversation(tap, channel)))


def test_untouched_run_counts_every_request(host: RelayHost, victims: Victims, book: Book) -> None:
    tap = Tap()
    port = relay(host, book.server_port, tap, Channel.CARRIER)
    assert victims.run("http_peer", "post", port, tap) == 0
    assert [request.label for request in tap.seen] == [f"POST /steps/{number}" for number in range(12)]
    assert book.bodies == [b"step=%d" % number for number in range(12)]


@pytest.mark.parametrize("at", [1, 6, 7])
@pytest.mark.parametrize(("moment", "done"), [(Moment.BEFORE, -1), (Moment.AFTER, 0)])
def test_kill_the_caller(host: RelayHost, victims: Victims, book: Book, at: int, moment: Moment, done: int) -> None:
    tap = Tap()
    port = relay(host, book.server_port, tap, Channel.CARRIER)
    assert victims.run("http_peer", "post", port, tap, at=at, moment=moment) == KILLED
    assert len(book.bodies) == at + done


@pytest.mark.parametrize(("moment", "written"), [(Moment.BEFORE, b"1\n2\n"), (Moment.AFTER, b"1\n2\n3\n")])
def test_kill_the_called(host: RelayHost, victims: Victims, tmp_path: Path, moment: Moment, written: bytes) -> None:
    tap, file, server_port = Tap(), tmp_path / "book", free_port()
    server = victims.start("http_peer", "serve", server_port, str(file))
    port = relay(host, server_port, tap, Channel.WEBHOOK)
    eventually(lambda: answers(server_port, b"0"))
    file.unlink()
    tap.arm(Crash(3, moment, server.kill))
    assert [answers(port, body) for body in (b"1", b"2", b"3", b"4")] == [True, True, False, False]
    assert file.read_bytes() == written


def test_a_patient_relay_waits_for_the_next_process(host: RelayHost, victims: Victims, tmp_path: Path) -> None:
    file, server_port = tmp_path / "book", free_port()
    waiting = Relay(("127.0.0.1", server_port), conversation(Tap(), Channel.WEBHOOK), patience=timedelta(seconds=20))
    port = host.add(waiting)
    with ThreadPoolExecutor(1) as early:
        answered = early.submit(answers, port, b"early")
        victims.start("http_peer", "serve", server_port, str(file))
        assert answered.result()
    assert file.read_bytes() == b"early\n"


def test_a_relay_that_asks_for_a_connection_a_request(host: RelayHost, book: Book) -> None:
    wire = Http1Wire(Channel.WEBHOOK, keeps_alive=False)
    port = host.add(Relay(("127.0.0.1", book.server_port), lambda: OrderedConversation(wire, Tap())))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    said = []
    for body in (b"with a length", b"in chunks"):
        connection.request("POST", "/status", body)
        answer = connection.getresponse()
        said.append((answer.status, answer.will_close, answer.read()))
    connection.close()
    assert said == [(201, True, b"ok")] * 2


def test_replicas_take_turns_and_a_dead_one_is_passed_over(host: RelayHost, victims: Victims, tmp_path: Path) -> None:
    ports, files = [free_port(), free_port()], [tmp_path / "one", tmp_path / "two"]
    servers = [victims.start("http_peer", "serve", port, str(file)) for port, file in zip(ports, files, strict=True)]
    eventually(lambda: answers(ports[0], b"there"))
    eventually(lambda: answers(ports[1], b"there"))
    first, second = (("127.0.0.1", port) for port in ports)
    port = host.add(Relay(first, conversation(Tap(), Channel.WEBHOOK), others=[second]))
    assert [answers(port, b"both") for _ in range(4)] == [True] * 4
    servers[0].kill()
    assert [answers(port, b"one") for _ in range(3)] == [True] * 3
    assert [file.read_text().split() for file in files] == [
        ["there", "both", "both"],
        ["there", "both", "both", "one", "one", "one"],
    ]


def answers(port: int, body: bytes) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/status", body)
        return connection.getresponse().status == 204
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
