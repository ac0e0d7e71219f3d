"""The page of phones: its files, its stream of entries and the controls around it."""

import json
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from twilio.rest import Client

from tests.integration.sandbox.conftest import Number
from tests.support.polling import eventually
from tests.support.sandbox import Sandbox

OURS = "+12025550100"


def entries(stream: Iterator[bytes]) -> Iterator[dict[str, object]]:
    for line in stream:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/_sandbox/page/phones.css", "text/css"),
        ("/_sandbox/page/phones.js", "text/javascript"),
        ("/_sandbox/customers", "application/json"),
    ],
)
def test_the_files_are_served(sandbox: Sandbox, path: str, kind: str) -> None:
    with urlopen(sandbox.url + path, timeout=5) as answer:
        assert answer.headers.get_content_type() == kind
        assert answer.read()


@pytest.mark.parametrize("path", ["/_sandbox/page/absent.js", "/_sandbox/page/..%2F__main__.py", "/elsewhere"])
def test_other_files_are_not(sandbox: Sandbox, path: str) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(sandbox.url + path, timeout=5)
    assert refused.value.code == 404
    refused.value.close()


def test_entries_stream_from_the_recent_past_into_the_present(client: Client, sandbox: Sandbox, number: Number) -> None:
    client.messages.create(to=number("41"), from_=OURS, body="before")
    with urlopen(sandbox.url + "/_sandbox/events", timeout=10) as stream:
        streamed = entries(stream)
        texts = (entry.get("body") for entry in streamed if entry.get("to") == number("41"))
        assert next(text for text in texts if text) == "before"
        client.messages.create(to=number("41"), from_=OURS, body="now")
        assert next(text for text in texts if text) == "now"


@pytest.mark.parametrize(
    ("action", "what"),
    [("answer", {}), ("hang-up", {}), ("keys", {"digits": "1"}), ("reply", {"body": "Hi"}), ("x", {})],
)
def test_a_phone_that_cannot_do_it_says_so(sandbox: Sandbox, number: Number, action: str, what: dict[str, str]) -> None:
    with pytest.raises(HTTPError) as refused:
        sandbox.act(number("99"), action, **what)
    assert refused.value.code == 409
    refused.value.close()


def test_only_keys_can_be_pressed(client: Client, sandbox: Sandbox, number: Number) -> None:
    sid = str(client.calls.create(to=number("99"), from_=OURS, twiml="<Response><Gather/></Response>").sid)
    eventually(lambda: client.calls(sid).fetch().status == "ringing", timeout=15)
    sandbox.act(number("99"), "answer")
    eventually(lambda: client.calls(sid).fetch().status == "in-progress")
    with pytest.raises(HTTPError) as refused:
        sandbox.act(number("99"), "keys", digits="1a")
    refused.value.close()
    assert sandbox.book("pressed", to=number("99")) == []
    sandbox.act(number("99"), "hang-up")


def test_the_book_is_read_in_steps(client: Client, sandbox: Sandbox, number: Number) -> None:
    client.messages.create(to=number("41"), from_=OURS, body="one")
    seen = int(str(sandbox.book("message", to=number("41"))[-1]["seq"]))
    client.messages.create(to=number("41"), from_=OURS, body="two")
    assert [entry["body"] for entry in sandbox.book("message", to=number("41"), since=seen)] == ["two"]
