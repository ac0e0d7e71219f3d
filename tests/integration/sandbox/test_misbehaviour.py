"""The carrier misbehaves as it is told to, and its book tells the truth all the same."""

import json
import time
from collections import Counter
from urllib.error import HTTPError

import pytest
from requests.exceptions import ConnectionError as NoAnswer
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.integration.sandbox.conftest import Number
from tests.support.application import Application
from tests.support.polling import eventually
from tests.support.sandbox import Sandbox

OURS = "+12025550100"


def send(client: Client, to: str, body: str = "Hi", callback: str | None = None) -> str:
    more = {"status_callback": callback} if callback else {}
    return str(client.messages.create(to=to, from_=OURS, body=body, **more).sid)


def attempt(client: Client, to: str, body: str) -> str:
    try:
        return "sent" if send(client, to, body) else ""
    except NoAnswer:
        return "no answer"
    except TwilioRestException as refused:
        return str(refused.status)


def test_a_flaky_carrier_processes_nothing_that_it_refuses(client: Client, sandbox: Sandbox, number: Number) -> None:
    sandbox.misbehave(flaky=0.5, seed=3)
    seen = Counter(attempt(client, number("41"), f"text {n}") for n in range(30))
    assert set(seen) == {"sent", "500", "503"}
    assert len(sandbox.book("message", to=number("41"))) == seen["sent"]


def test_a_lying_carrier_processes_what_it_does_not_answer(client: Client, sandbox: Sandbox, number: Number) -> None:
    sandbox.misbehave(lying=0.5, seed=3)
    seen = [attempt(client, number("41"), f"text {n}") for n in range(20)]
    assert set(seen) == {"sent", "no answer"}
    booked = sandbox.book("message", to=number("41"))
    assert [entry["body"] for entry in booked] == [f"text {n}" for n in range(20)]
    assert [entry["lied"] for entry in booked] == [answer == "no answer" for answer in seen]
    sandbox.misbehave(lying=0.0)
    eventually(lambda: {m.status for m in client.messages.list(to=number("41"))} == {"delivered"})


def test_a_lie_may_also_be_an_error(client: Client, sandbox: Sandbox, number: Number) -> None:
    sandbox.misbehave(lying_error=1.0)
    assert attempt(client, number("41"), "Hi") == "500"
    assert [entry["lied"] for entry in sandbox.book("message", to=number("41"))] == [True]


def test_the_carrier_lies_about_calls_too_but_not_about_refusals(
    client: Client, sandbox: Sandbox, number: Number
) -> None:
    sandbox.misbehave(lying=1.0)
    with pytest.raises(NoAnswer):
        client.calls.create(to=number("85"), from_=OURS, twiml="<Response/>")
    with pytest.raises(TwilioRestException):
        client.calls.create(to="nobody", from_=OURS, twiml="<Response/>")
    assert [entry["lied"] for entry in sandbox.book("call", to=number("85"))] == [True]


def test_the_same_seed_misbehaves_the_same_way(client: Client, sandbox: Sandbox, number: Number) -> None:
    rounds = []
    for _ in range(2):
        sandbox.misbehave(lying=0.3, flaky=0.3, seed=11)
        rounds.append([attempt(client, number("41"), f"text {n}") for n in range(15)])
    assert rounds[0] == rounds[1]


def test_too_many_requests(client: Client, sandbox: Sandbox, number: Number) -> None:
    sandbox.misbehave(rate_limit_per_second=2)
    seen = Counter(attempt(client, number("41"), f"text {n}") for n in range(12))
    assert seen["429"] > 0
    assert len(sandbox.book("message", to=number("41"))) == seen["sent"]
    assert sandbox.book("refused")[-1]["code"] == 20429


def test_a_slow_carrier_answers_late(client: Client, sandbox: Sandbox, number: Number) -> None:
    sandbox.misbehave(slow_seconds=0.3)
    start = time.monotonic()
    send(client, number("41"))
    assert time.monotonic() - start >= 0.3


def test_lists_lag_but_single_messages_do_not(client: Client, sandbox: Sandbox, number: Number) -> None:
    sandbox.misbehave(list_lag_seconds=1.0)
    sid = send(client, number("41"))
    assert client.messages.list(to=number("41")) == []
    assert client.messages(sid).fetch().sid == sid
    eventually(lambda: [m.sid for m in client.messages.list(to=number("41"))] == [sid])


def test_receipts_come_twice(client: Client, sandbox: Sandbox, application: Application, number: Number) -> None:
    sandbox.misbehave(receipts_doubled=1.0)
    path = f"/doubled{number('41')[1:]}"
    send(client, number("41"), callback=application.url + path)
    eventually(lambda: len(application.at(path)) == 4)
    assert Counter(r.params["MessageStatus"] for r in application.at(path)) == {"sent": 2, "delivered": 2}


def test_receipts_are_lost(client: Client, sandbox: Sandbox, application: Application, number: Number) -> None:
    sandbox.misbehave(receipts_missing=1.0)
    path = f"/lost{number('41')[1:]}"
    sid = send(client, number("41"), callback=application.url + path)
    eventually(lambda: client.messages(sid).fetch().status == "delivered")
    assert [e["fault"] for e in sandbox.book("webhook", to=number("41"))] == ["missing", "missing"]
    assert application.at(path) == []


def test_receipts_overtake_each_other(
    client: Client, sandbox: Sandbox, application: Application, number: Number
) -> None:
    sandbox.misbehave(receipts_reordered=0.5, receipts_held_seconds=0.3, seed=5)
    path = f"/overtaken{number('41')[1:]}"
    for n in range(40):
        send(client, number("41"), f"text {n}", callback=application.url + path)
    eventually(lambda: len(application.at(path)) == 80)
    order: dict[str, list[str]] = {}
    for request in application.at(path):
        order.setdefault(request.params["MessageSid"], []).append(request.params["MessageStatus"])
    assert ["delivered", "sent"] in order.values()


def test_a_receipt_is_posted_again_until_the_application_takes_it(
    client: Client, sandbox: Sandbox, application: Application, number: Number
) -> None:
    path = f"/unwilling{number('93')[1:]}"
    application.answers[path] = lambda _: (503 if len(application.at(path)) < 2 else 200, "")
    send(client, number("93"), callback=application.url + path)
    [entry] = eventually(lambda: sandbox.book("webhook", to=number("93")))
    assert (entry["attempts"], entry["http_status"], entry["event"]) == (2, 200, "failed")
    tokens = {r.headers["I-Twilio-Idempotency-Token"] for r in application.at(path)}
    assert len(tokens) == 1


def test_a_receipt_that_is_refused_for_good_is_posted_once(
    client: Client, sandbox: Sandbox, application: Application, number: Number
) -> None:
    path = f"/refusing{number('93')[1:]}"
    application.answers[path] = lambda _: (403, "")
    send(client, number("93"), callback=application.url + path)
    [entry] = eventually(lambda: sandbox.book("webhook", to=number("93")))
    assert (entry["attempts"], entry["http_status"]) == (1, 403)


def test_doubles_are_counted(client: Client, sandbox: Sandbox, number: Number) -> None:
    before = sandbox.stats()
    for body in ("one", "two", "one"):
        send(client, number("41"), body)
    for path in ("a", "b", "a", "a"):
        client.calls.create(to=number("85"), from_=OURS, url=f"http://127.0.0.1:9/{path}")
    after = sandbox.stats()
    assert after["messages"]["doubled"] - before["messages"]["doubled"] == 1
    assert after["messages"]["accepted"] - before["messages"]["accepted"] == 3
    assert after["calls"]["doubled"] - before["calls"]["doubled"] == 2


def test_idleness_means_that_everything_has_ended(client: Client, sandbox: Sandbox, number: Number) -> None:
    send(client, number("41"))
    called = client.calls.create(to=number("80"), from_=OURS, twiml="<Response><Say>Hi</Say></Response>")
    assert not sandbox.idle()
    eventually(sandbox.idle)
    assert client.messages.list(to=number("41"))[0].status == "delivered"
    assert client.calls(str(called.sid)).fetch().status == "completed"


def test_a_wrong_mode_is_refused_by_name(sandbox: Sandbox) -> None:
    with pytest.raises(HTTPError) as refused:
        sandbox.misbehave(flakey=0.5)
    assert refused.value.code == 400
    assert json.load(refused.value)["problems"][0]["mode"] == "flakey"
    refused.value.close()
