"""The book survives the sandbox: after a SIGKILL it knows what it was asked and goes on with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.integration.sandbox.conftest import sdk
from tests.support.application import Application
from tests.support.polling import eventually
from tests.support.sandbox import Sandbox

OURS, ANN, STOPS, BUSY, MANUAL = "+12025550100", "+12025550141", "+12025550194", "+12025550185", "+12025550199"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path) as running:
        yield running


@pytest.fixture
def client(own: Sandbox) -> Iterator[Client]:
    yield from sdk(own)


def crash(own: Sandbox) -> None:
    own.kill()
    own.start()


def test_what_was_known_is_known_again(own: Sandbox, client: Client) -> None:
    sids = [client.messages.create(to=ANN, from_=OURS, body=text).sid for text in ("one", "two", "one")]
    client.messages.create(to=STOPS, from_=OURS, body="Hi")
    call = client.calls.create(to=BUSY, from_=OURS, url="http://127.0.0.1:9/voice")
    eventually(lambda: own.book("inbound") and client.calls(str(call.sid)).fetch().status == "busy")
    eventually(lambda: {m.status for m in client.messages.list(to=ANN)} == {"delivered"})
    before, resources = own.stats(), [m.status for m in client.messages.list(to=ANN)]
    crash(own)
    assert [m.sid for m in client.messages.list(to=ANN)] == sids[::-1]
    assert [m.status for m in client.messages.list(to=ANN)] == resources
    assert client.calls(str(call.sid)).fetch().status == "busy"
    after = own.stats()
    assert (after["messages"], after["calls"]) == (before["messages"], before["calls"])
    assert after["messages"]["doubled"] == 1
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to=STOPS, from_=OURS, body="Hi again")
    assert refused.value.code == 21610


def test_what_was_under_way_goes_on(tmp_path: Path, application: Application) -> None:
    slow = Sandbox(tmp_path, speed=2.0)
    with slow:
        for client in sdk(slow):
            callback = application.url + "/after-crash"
            sid = str(client.messages.create(to=ANN, from_=OURS, body="Hi", status_callback=callback).sid)
            crash(slow)
            eventually(
                lambda: [r.params["MessageStatus"] for r in application.at("/after-crash")][-1:] == ["delivered"]
            )
            assert client.messages(sid).fetch().status == "delivered"
            assert len(slow.book("message")) == 1


def test_a_conversation_is_cut_off_and_its_end_is_told(own: Sandbox, client: Client, application: Application) -> None:
    callback = application.url + "/cut-off"
    twiml = "<Response><Pause length='600'/></Response>"
    talking = str(client.calls.create(to=ANN, from_=OURS, twiml=twiml, status_callback=callback).sid)
    ringing = str(client.calls.create(to=MANUAL, from_=OURS, twiml=twiml).sid)
    eventually(lambda: client.calls(talking).fetch().status == "in-progress")
    eventually(lambda: client.calls(ringing).fetch().status == "ringing")
    crash(own)
    assert client.calls(talking).fetch().status == "completed"
    eventually(lambda: [r.params["CallStatus"] for r in application.at("/cut-off")] == ["completed"])
    eventually(lambda: client.calls(ringing).fetch().status == "ringing")
    own.act(MANUAL, "answer")
    eventually(lambda: client.calls(ringing).fetch().status == "in-progress")


def test_modes_are_those_of_the_settings_again(own: Sandbox, client: Client) -> None:
    own.misbehave(flaky=1.0)
    crash(own)
    assert client.messages.create(to=ANN, from_=OURS, body="Hi").status == "queued"


def test_a_scenario_that_cannot_be_read_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"absent\.yaml"):
        Sandbox(tmp_path, settings={"SCENARIO": str(tmp_path / "absent.yaml")}).start()
