"""Messages, asked for with the official SDK."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from tests.integration.sandbox.conftest import Number, sdk
from tests.support.application import Application
from tests.support.polling import eventually
from tests.support.sandbox import Sandbox

OURS = "+12025550100"
SERVICE = "MG" + "7" * 32


def test_a_message_is_queued_then_delivered(client: Client, number: Number) -> None:
    sent = client.messages.create(to=number("41"), from_=OURS, body="费" * 71)
    assert (sent.status, sent.direction, sent.num_segments, sent.to) == ("queued", "outbound-api", "2", number("41"))
    assert (sent.date_sent, sent.error_code, sent.api_version) == (None, None, "2010-04-01")
    assert sent.date_created is not None
    assert abs(sent.date_created - datetime.now(UTC)) < timedelta(minutes=1)
    final = eventually(lambda: delivered(client, str(sent.sid)))
    assert final is not None
    assert final.date_sent is not None


def delivered(client: Client, sid: str) -> MessageInstance | None:
    message = client.messages(sid).fetch()
    return message if message.status == "delivered" else None


def test_each_later_status_is_posted_and_signed(
    client: Client, number: Number, sandbox: Sandbox, application: Application
) -> None:
    callback = f"{application.url}/status{number('41')[2:5]}?attempt=n-1%2F1"
    sent = client.messages.create(to=number("41"), from_=OURS, body="Hi", status_callback=callback)
    path = callback.removeprefix(application.url).split("?")[0]
    eventually(lambda: len(application.at(path)) == 2)
    told = application.at(path)
    assert [request.params["MessageStatus"] for request in told] == ["sent", "delivered"]
    assert {request.params["MessageSid"] for request in told} == {sent.sid}
    validator = RequestValidator(sandbox.auth_token)
    for request in told:
        assert request.url == callback
        assert validator.validate(callback, request.params, request.headers["X-Twilio-Signature"])
        assert not validator.validate(callback + "x", request.params, request.headers["X-Twilio-Signature"])


@pytest.mark.parametrize(
    ("suffix", "status", "code"),
    [("90", "undelivered", 30003), ("91", "undelivered", 30005), ("92", "undelivered", 30006), ("93", "failed", 30007)],
)
def test_some_numbers_cannot_be_reached(
    client: Client, number: Number, application: Application, suffix: str, status: str, code: int
) -> None:
    path = f"/unreached{number(suffix)[1:]}"
    sent = client.messages.create(to=number(suffix), from_=OURS, body="Hi", status_callback=application.url + path)
    eventually(lambda: [r for r in application.at(path) if r.params["MessageStatus"] == status])
    assert application.at(path)[-1].params["ErrorCode"] == str(code)
    fetched = client.messages(str(sent.sid)).fetch()
    assert (fetched.status, fetched.error_code) == (status, code)
    assert fetched.error_message


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"to": "12345", "from_": OURS, "body": "Hi"}, 21211),
        ({"to": "+12025550198", "from_": OURS, "body": "Hi"}, 21211),
        ({"to": "+15005550001", "from_": OURS, "body": "Hi"}, 21211),
        ({"to": "+15005550009", "from_": OURS, "body": "Hi"}, 21614),
        ({"to": "+12025550197", "from_": OURS, "body": "Hi"}, 21614),
        ({"to": "+12025550196", "from_": OURS, "body": "Hi"}, 21610),
        ({"to": "+12025550141", "from_": "+15005550007", "body": "Hi"}, 21606),
        ({"to": "+12025550141", "from_": "+44?", "body": "Hi"}, 21212),
        ({"to": OURS, "from_": OURS, "body": "Hi"}, 21266),
        ({"to": "+12025550141", "from_": OURS, "body": "x" * 1601}, 21617),
        ({"to": "+12025550141", "from_": OURS}, 21602),
        ({"to": "+12025550141", "body": "Hi"}, 21603),
        ({"to": "", "from_": OURS, "body": "Hi"}, 21604),
        ({"to": "+12025550141", "from_": OURS, "body": "Hi", "status_callback": "/relative"}, 21609),
        ({"to": "+12025550141", "from_": OURS, "body": "Hi", "status_callback": "http://a_b.example/"}, 21609),
    ],
)
def test_what_the_carrier_refuses(client: Client, sandbox: Sandbox, asked: dict[str, str], code: int) -> None:
    before = sandbox.stats()["messages"]["accepted"]
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(**asked)
    assert (refused.value.code, refused.value.status) == (code, 400)
    assert sandbox.stats()["messages"]["accepted"] == before
    assert sandbox.book("refused")[-1]["code"] == code


def test_the_longest_text_is_accepted(client: Client, number: Number) -> None:
    assert client.messages.create(to=number("41"), from_=OURS, body="x" * 1600).num_segments == "11"


def test_wrong_credentials(sandbox: Sandbox) -> None:
    for client in sdk(sandbox, auth_token="wrong"):
        with pytest.raises(TwilioRestException) as refused:
            client.messages.create(to="+12025550141", from_=OURS, body="Hi")
        assert (refused.value.code, refused.value.status) == (20003, 401)


def test_an_unknown_message(client: Client) -> None:
    with pytest.raises(TwilioRestException) as refused:
        client.messages("SM" + "0" * 32).fetch()
    assert (refused.value.code, refused.value.status) == (20404, 404)


def test_lists_are_filtered_and_newest_first(client: Client, number: Number) -> None:
    ann, ben = number("41"), number("42")
    start = datetime.now(UTC).replace(microsecond=0)
    sids = [client.messages.create(to=to, from_=OURS, body="Hi").sid for to in (ann, ben, ann)]
    assert [m.sid for m in client.messages.list(to=ann)] == [sids[2], sids[0]]
    assert [m.sid for m in client.messages.list(to=ann, from_="+12025550177")] == []
    assert [m.sid for m in client.messages.list(to=ben, date_sent_after=start)] == [sids[1]]
    assert [m.sid for m in client.messages.list(to=ben, date_sent_after=start + timedelta(hours=1))] == []
    assert [m.sid for m in client.messages.list(to=ben, date_sent_before=start - timedelta(seconds=1))] == []
    assert [m.sid for m in client.messages.list(to=ben, date_sent_before=start + timedelta(hours=1))] == [sids[1]]
    assert {m.sid for m in client.messages.list(date_sent=start.date())} >= set(sids)


def test_pages_follow_each_other_without_gap_or_double(client: Client, number: Number) -> None:
    sids = [client.messages.create(to=number("41"), from_=OURS, body=f"{n}").sid for n in range(7)]
    listed: Iterator[str | None] = (m.sid for m in client.messages.stream(to=number("41"), page_size=3))
    first = next(listed)
    client.messages.create(to=number("41"), from_=OURS, body="comes while somebody reads")
    assert [first, *listed] == sids[::-1]
    page = client.messages.page(to=number("41"), page_size=3)
    assert len(list(page)) == 3
    following = page.next_page()
    assert following is not None
    assert [m.sid for m in following] == [sids[4], sids[3], sids[2]]


def test_a_limit_stops_the_list(client: Client, number: Number) -> None:
    for text in "abc":
        client.messages.create(to=number("41"), from_=OURS, body=text)
    assert [m.body for m in client.messages.list(to=number("41"), limit=2)] == ["c", "b"]


def test_redaction_and_deletion_wait_for_the_end(client: Client, sandbox: Sandbox, number: Number) -> None:
    sent = client.messages.create(to=number("41"), from_=OURS, body="secret")
    eventually(lambda: delivered(client, str(sent.sid)))
    assert client.messages(str(sent.sid)).update(body="").body == ""
    assert client.messages(str(sent.sid)).fetch().body == ""
    assert client.messages(str(sent.sid)).delete()
    assert client.messages.list(to=number("41")) == []
    assert [entry["body"] for entry in sandbox.book("message", to=number("41"))] == ["secret"]


def test_only_scheduled_messages_can_be_canceled(client: Client, number: Number) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    scheduled = client.messages.create(
        to=number("41"), messaging_service_sid=SERVICE, body="Hi", schedule_type="fixed", send_at=later
    )
    assert scheduled.status == "scheduled"
    assert client.messages(str(scheduled.sid)).update(status="canceled").status == "canceled"
    with pytest.raises(TwilioRestException) as refused:
        client.messages(str(scheduled.sid)).update(status="canceled")
    assert refused.value.code == 30409


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"send_at": datetime.now(UTC) + timedelta(hours=1), "schedule_type": "fixed"}, 35118),
        ({"send_at": datetime.now(UTC) + timedelta(hours=1), "messaging_service_sid": SERVICE}, 35126),
        ({"schedule_type": "fixed", "messaging_service_sid": SERVICE}, 35114),
        ({"send_at": datetime.now(UTC), "schedule_type": "fixed", "messaging_service_sid": SERVICE}, 35117),
    ],
)
def test_what_cannot_be_scheduled(client: Client, number: Number, how: dict[str, object], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to=number("41"), from_=OURS, body="Hi", **how)
    assert refused.value.code == code


def test_a_service_may_send_instead_of_a_number(client: Client, number: Number) -> None:
    sent = client.messages.create(to=number("41"), messaging_service_sid=SERVICE, body="Hi")
    assert (sent.status, sent.messaging_service_sid) == ("accepted", SERVICE)
    assert eventually(lambda: delivered(client, str(sent.sid)))


def test_stop_is_passed_on_and_heeded(
    client: Client, sandbox: Sandbox, application: Application, number: Number
) -> None:
    customer = number("94")
    client.messages.create(to=customer, from_=OURS, body="Hi")
    reply = eventually(lambda: [r for r in application.at("/inbound") if r.params["From"] == customer])[0]
    assert (reply.params["Body"], reply.params["To"], reply.params["SmsStatus"]) == ("STOP", OURS, "received")
    validator = RequestValidator(sandbox.auth_token)
    assert validator.validate(application.url + "/inbound", reply.params, reply.headers["X-Twilio-Signature"])
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to=customer, from_=OURS, body="Hi again")
    assert refused.value.code == 21610
    sandbox.act(customer, "reply", body="start")
    assert client.messages.create(to=customer, from_=OURS, body="Welcome back").status == "queued"


def test_inbound_messages_are_listed(client: Client, sandbox: Sandbox, number: Number) -> None:
    client.messages.create(to=number("41"), from_=OURS, body="Hi")
    sandbox.act(number("41"), "reply", body="Who is this?")
    [inbound] = client.messages.list(from_=number("41"))
    assert (inbound.direction, inbound.status, inbound.body) == ("inbound", "received", "Who is this?")
