"""Asks a program over HTTP whether it serves, and if not, why."""

import json
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any

from cli.stack.ports import LOOPBACK

TIMEOUT_SECONDS = 1.0
OK = 200


def http_probe(port: int, path: str) -> Callable[[], str]:
    """A probe of `GET path` on the loopback port: `` when it answers 200 within a second, else why not."""

    def unready() -> str:
        connection = HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return "" if answer.status == OK else _why(answer.read(), answer.status)
        except (OSError, HTTPException):
            return "does not answer yet"
        finally:
            connection.close()

    return unready


def _why(body: bytes, status: int) -> str:
    """The failed checks that a service names (`common.observability.health`), or the bare status."""
    try:
        checks: list[dict[str, Any]] = json.loads(body)["checks"]
        said = [f"{check['name']}: {check['reason']}" for check in checks if not check["ok"]]
    except (ValueError, KeyError, TypeError):
        said = []
    return "; ".join(said) or f"answers {status}"
