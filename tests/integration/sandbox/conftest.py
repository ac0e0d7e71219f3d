"""A shared sandbox, the official SDK pointed at it, and an application that it calls back."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from tests.support.application import Application
from tests.support.sandbox import Sandbox, running_sandbox

OFFICIAL = "https://api.twilio.com"
SDK_TIMEOUT_SECONDS = 10.0
Number = Callable[[str], str]


class RedirectedClient:
    """The SDK's own HTTP client, but for the address."""

    def __init__(self, url: str) -> None:
        self._real = TwilioHttpClient(timeout=SDK_TIMEOUT_SECONDS)
        self._url = url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        """Asks the sandbox instead of the real carrier."""
        return self._real.request(method, url.replace(OFFICIAL, self._url, 1), *args, **kwargs)

    def close(self) -> None:
        """Closes the kept connections."""
        self._real.session.close()


@pytest.fixture(scope="session")
def application() -> Iterator[Application]:
    with Application().listening() as listening:
        yield listening


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory, application: Application) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), inbound_url=application.url + "/inbound") as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox, well-behaved before and after."""
    yield shared_sandbox
    behave(shared_sandbox)


def behave(sandbox: Sandbox) -> None:
    probabilities = ("flaky", "lying", "lying_error", "receipts_doubled", "receipts_reordered", "receipts_missing")
    others = ("slow_seconds", "rate_limit_per_second", "list_lag_seconds")
    sandbox.misbehave(**dict.fromkeys(probabilities + others, 0.0), seed=1)


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    yield from sdk(sandbox)


def sdk(sandbox: Sandbox, auth_token: str | None = None) -> Iterator[Client]:
    """The official SDK, pointed at a sandbox."""
    http = RedirectedClient(sandbox.url)
    yield Client(sandbox.account_sid, auth_token or sandbox.auth_token, http_client=http)
    http.close()


@pytest.fixture(scope="session")
def area_codes() -> Iterator[int]:
    return count(200)


@pytest.fixture
def number(area_codes: Iterator[int]) -> Number:
    """Makes numbers that no other test uses, from their last two digits."""
    area = next(area_codes)
    return lambda suffix: f"+1{area}55501{suffix}"
