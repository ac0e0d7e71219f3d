"""Counts in the carrier sandbox's book, asked for in a thread of its own."""

import json
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

ASK_SECONDS = 0.25
TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True)
class CarrierFigures:
    """What the carrier was asked to do, and how much of it more than once."""

    messages: int = 0
    messages_doubled: int = 0
    calls: int = 0
    calls_doubled: int = 0


class CarrierWatch:
    """The latest figures, and when messages first stood in the book.

    Args:
        url: the sandbox.
    """

    def __init__(self, url: str) -> None:
        self.figures = CarrierFigures()
        self.before = CarrierFigures()
        self.first_message_at: float | None = None
        self._address = urlsplit(url).netloc
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="carrier-watch", daemon=True)

    def start(self) -> None:
        """Remember what the book holds by now, and follow it in the background."""
        self.before = self.figures = self._ask() or CarrierFigures()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns at once."""
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.wait(ASK_SECONDS):
            figures = self._ask()
            if figures is None:
                continue
            if self.first_message_at is None and figures.messages > self.before.messages:
                self.first_message_at = time.monotonic()
            self.figures = figures

    def _ask(self) -> CarrierFigures | None:
        connection = HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/_sandbox/stats")
            said = json.load(connection.getresponse())
        except (OSError, HTTPException, ValueError):
            return None
        finally:
            connection.close()
        messages, calls = said["messages"], said["calls"]
        return CarrierFigures(messages["accepted"], messages["doubled"], calls["accepted"], calls["doubled"])
