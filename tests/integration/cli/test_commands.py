"""The commands on a real broker of their own: what they write is read back from Kafka, what they show was put there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.app import build_app
from cli.kafka_records import NewRecord, StoredRecord, read_topic, write_records
from cli.stack.kafka import EmbeddedKafka
from common.errors import InvalidEvent
from common.events.codec import decode, encode
from common.events.envelope import Envelope
from common.events.ledger import FactHeld, FactReleased, NotificationScheduled, TaskOpened
from common.events.model import Fact
from common.events.profiles import CustomerProfile
from common.events.topics import (
    CUSTOMER_PROFILES,
    OUTREACH_EVENTS,
    POLICY_EVENTS,
    TOPICS,
    Topic,
    dlq_of,
    partition_for,
)
from common.events.upstream import PremiumPaymentFailed
from common.kafka.admin import admin_client, ensure_topics
from common.kafka.dead_letters import Position, build, replayed_from
from tests.support.ports import free_port

NOW = datetime.now(UTC)

pytestmark = pytest.mark.xdist_group("cli-kafka")  # one broker for the module, not one for each worker


@contextmanager
def started(directory: Path) -> Iterator[str]:
    server = EmbeddedKafka(directory=directory, port=free_port(), controller_port=free_port(), heap="256m")
    server.start()
    yield server.bootstrap
    server.stop()


@pytest.fixture
def empty_broker(tmp_path: Path) -> Iterator[str]:
    """A broker without topics."""
    with started(tmp_path / "kafka") as bootstrap:
        yield bootstrap


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker that no other test module writes to: `dlq replay --all` takes everything there is."""
    with started(tmp_path_factory.mktemp("cli-kafka")) as bootstrap:
        with admin_client(bootstrap) as admin:
            ensure_topics(admin)
        yield bootstrap


def run(bootstrap: str, *arguments: str, lines: str | bytes | None = None) -> Any:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "COLUMNS": "200"}
    return CliRunner().invoke(build_app(), list(arguments), input=lines, env=environment)


def records_of(bootstrap: str, topic: Topic, customer: str) -> list[StoredRecord]:
    partition = partition_for(customer, topic.partitions)
    return [
        record for record in read_topic(bootstrap, topic, partitions=[partition]) if record.key == customer.encode()
    ]


def put_on_ledger(bootstrap: str, *events: Envelope) -> None:
    write_records(bootstrap, [ledger_record(event) for event in events])


def ledger_record(event: Envelope) -> NewRecord:
    encoded = encode(event)
    return NewRecord(
        topic=OUTREACH_EVENTS.name,
        partition=partition_for(event.customer_id),
        key=encoded.key,
        value=encoded.value,
        headers=encoded.headers,
    )


def event(customer: str, fact: Fact, *, event_id: str, minutes: int = 0, service: str = "notifier") -> Envelope:
    return Envelope(
        id=event_id,
        source=f"/nineconnect/{service}",
        type=fact.TYPE,
        time=NOW - timedelta(minutes=60 - minutes),
        customer_id=customer,
        data=fact,
        service=service,
    )


class TestTopics:
    def test_from_missing_to_fitting(self, empty_broker: str) -> None:
        before = run(empty_broker, "topics", "list")
        assert before.exit_code == 1
        assert "policy-events.v1 is missing: run `nineconnect topics ensure`." in before.stderr
        refused = run(empty_broker, "publish", "-", lines="")
        assert refused.exit_code == 1
        assert "policy-events.v1 is missing" in refused.stderr

        made = run(empty_broker, "topics", "ensure")
        assert made.exit_code == 0
        assert "created policy-events.v1 (64 partitions)" in made.stdout
        again = run(empty_broker, "topics", "ensure")
        assert again.stdout == f"{len(TOPICS)} topics are as they must be\n"

        after = run(empty_broker, "topics", "list")
        assert after.exit_code == 0
        assert after.stdout.count("fits") == len(TOPICS)


class TestPublish:
    def test_samples_reach_the_partition_of_their_customer(self, broker: str, tmp_path: Path) -> None:
        file = tmp_path / "profiles.jsonl"
        file.write_text(run(broker, "sample", "profile", "--count", "8", "--seed", "91").stdout)

        published = run(broker, "publish", str(file))

        assert (published.exit_code, published.stdout) == (0, "published 8, refused 0\n")
        for line in file.read_text().splitlines():
            [record] = records_of(broker, CUSTOMER_PROFILES, json.loads(line)["subject"])
            assert record.value == line.encode()
            read = decode(
                topic=record.topic,
                key=record.key,
                value=record.value,
                headers=record.headers,
                recorded_at=record.recorded_at,
            )
            assert isinstance(read.data, CustomerProfile)

    def test_good_lines_go_and_wrong_ones_are_refused(self, broker: str) -> None:
        good, wrong = shorthand("pub-1"), {**shorthand("pub-1"), "data": {"policy_id": "P-1"}}
        lines = b"\n".join(
            [json.dumps(good).encode(), b"\xff\xfe", json.dumps(wrong).encode(), json.dumps(good).encode()]
        )
        result = run(broker, "publish", "-", lines=lines)
        assert (result.exit_code, result.stdout) == (1, "published 2, refused 2\n")
        assert result.stderr.splitlines()[0].startswith("line 2: the value is not valid UTF-8 (not_utf8). To do: ")
        assert result.stderr.splitlines()[1].startswith("line 3, field data.amount: the field is missing")
        assert len(records_of(broker, POLICY_EVENTS, "pub-1")) == 2

    def test_all_or_nothing_publishes_none(self, broker: str) -> None:
        lines = "\n".join([json.dumps(shorthand("pub-2")), "{"])
        assert run(broker, "publish", "-", "--all-or-nothing", lines=lines).exit_code == 1
        assert records_of(broker, POLICY_EVENTS, "pub-2") == []
        result = run(broker, "publish", "-", "--all-or-nothing", lines=json.dumps(shorthand("pub-2")))
        assert (result.exit_code, result.stdout) == (0, "published 1, refused 0\n")

    def test_erasing_a_customer_is_a_null_value(self, broker: str) -> None:
        line = json.dumps({"type": "customer.profile.v1", "customer_id": "pub-3", "data": None})
        assert run(broker, "publish", "-", lines=line).exit_code == 0
        [record] = records_of(broker, CUSTOMER_PROFILES, "pub-3")
        assert record.value is None


def shorthand(customer: str) -> dict[str, Any]:
    return {"type": PremiumPaymentFailed.TYPE, "customer_id": customer, "data": dict(PremiumPaymentFailed.EXAMPLE)}


def bury(bootstrap: str, customer: str, value: bytes, *, services: tuple[str, ...] = ("notifier",)) -> Position:
    """Puts a bad record on the policy topic and each service's dead letter of it."""
    partition = partition_for(customer)
    bad = NewRecord(
        topic=POLICY_EVENTS.name, partition=partition, key=customer.encode(), value=value, headers=[("raw", b"\xff")]
    )
    write_records(bootstrap, [bad])
    stored = [record for record in records_of(bootstrap, POLICY_EVENTS, customer) if record.value == value][-1]
    original = Position(stored.topic, stored.partition, stored.offset)
    error = InvalidEvent("not_json", reason="the value is not valid JSON", remedy="publish JSON")
    write_records(bootstrap, [letter_record(original, stored, error, service) for service in services])
    return original


def letter_record(original: Position, stored: StoredRecord, error: InvalidEvent, service: str) -> NewRecord:
    letter = build(
        original=original,
        key=stored.key,
        value=stored.value,
        headers=stored.headers,
        error=error,
        service=service,
        at=datetime.now(UTC),
    )
    return NewRecord(
        topic=dlq_of(POLICY_EVENTS).name,
        partition=original.partition,
        key=letter.key,
        value=letter.value,
        headers=letter.headers,
    )


def listed(bootstrap: str) -> dict[tuple[int, int], Any]:
    result = run(bootstrap, "dlq", "list", "--json", "--topic", POLICY_EVENTS.name)
    assert result.exit_code == 0, result.output
    return {(group["partition"], group["offset"]): group for group in json.loads(result.stdout)}


def place(original: Position) -> tuple[int, int]:
    return original.partition, original.offset


def choice(original: Position) -> list[str]:
    return ["--topic", original.topic, "--partition", str(original.partition), "--offset", str(original.offset)]


class TestDeadLetters:
    def test_three_services_refusals_are_one_line(self, broker: str) -> None:
        original = bury(broker, "dlq-1", b"{1", services=("notifier", "callback", "outbound_dialer"))
        group = listed(broker)[place(original)]
        assert group["services"] == ["callback", "notifier", "outbound_dialer"]
        assert (group["customer"], group["code"], group["bytes"], group["replayed"]) == ("dlq-1", "not_json", 2, False)

        shown = run(broker, "dlq", "list").stdout
        assert str(original) in shown
        assert "callback, notifier, outbound_dialer" in " ".join(shown.split())

    def test_replay_is_untouched_marked_and_done_once(self, broker: str) -> None:
        original = bury(broker, "dlq-2", b"{2", services=("notifier", "callback"))

        replayed = run(broker, "dlq", "replay", *choice(original))

        assert replayed.exit_code == 0, replayed.output
        first, second = records_of(broker, POLICY_EVENTS, "dlq-2")
        assert (second.value, second.key, second.partition) == (first.value, first.key, first.partition)
        assert list(second.headers) == [("raw", b"\xff"), ("nc-replayed-from", str(original).encode())]
        assert listed(broker)[place(original)]["replayed"] is True

        again = run(broker, "dlq", "replay", *choice(original))
        assert again.exit_code == 1
        assert "--again does it once more" in again.stderr
        assert len(records_of(broker, POLICY_EVENTS, "dlq-2")) == 2
        assert run(broker, "dlq", "replay", *choice(original), "--again").exit_code == 0
        assert len(records_of(broker, POLICY_EVENTS, "dlq-2")) == 3

    def test_all_replays_what_was_not_replayed(self, broker: str) -> None:
        done, waiting = bury(broker, "dlq-3", b"{3"), bury(broker, "dlq-4", b"{4")
        run(broker, "dlq", "replay", *choice(done))
        result = run(broker, "dlq", "replay", "--all")
        assert result.exit_code == 0
        assert f"replayed {waiting}" in result.stdout
        assert f"replayed {done}" not in result.stdout
        assert len(records_of(broker, POLICY_EVENTS, "dlq-3")) == len(records_of(broker, POLICY_EVENTS, "dlq-4")) == 2
        assert all(group["replayed"] for group in listed(broker).values())

    def test_replay_that_is_refused_again_is_a_new_letter_that_knows_its_origin(self, broker: str) -> None:
        original = bury(broker, "dlq-5", b"{5")
        run(broker, "dlq", "replay", *choice(original))
        _, repeated = records_of(broker, POLICY_EVENTS, "dlq-5")
        assert replayed_from(repeated.headers) == original
        second = Position(repeated.topic, repeated.partition, repeated.offset)
        write_records(broker, [letter_record(second, repeated, InvalidEvent("not_json"), "notifier")])
        found = listed(broker)[place(second)]
        assert (found["replayed"], found["replay_of"]) == (False, str(original))

    def test_record_of_somebody_else_is_said_and_passed_over(self, broker: str) -> None:
        foreign = NewRecord(topic=dlq_of(POLICY_EVENTS).name, partition=0, key=b"k", value=b"v", headers=[])
        write_records(broker, [foreign])
        assert "policy-events.v1.dlq/0/" in run(broker, "dlq", "list").stderr

    def test_replay_of_nothing(self, broker: str) -> None:
        result = run(broker, "dlq", "replay", *choice(Position("policy-events.v1", 0, 999_999)))
        assert result.exit_code == 1
        assert "there is no dead letter of policy-events.v1/0/999999" in result.stderr


class TestHeld:
    def test_shows_what_waits_and_not_what_went_on(self, broker: str) -> None:
        held, released = FactHeld.example(), FactReleased.example()
        put_on_ledger(
            broker,
            event("held-1", held, event_id="h1"),
            event("held-1", held, event_id="h2", service="callback"),
            event("held-1", released, event_id="h3", service="callback", minutes=1),
            event("held-2", held, event_id="h4"),
            event("held-2", released, event_id="h5", minutes=1),
        )
        found = json.loads(run(broker, "held", "list", "--json").stdout)
        mine = [fact for fact in found if fact["customer_id"].startswith("held-")]
        assert [(fact["customer_id"], fact["services"]) for fact in mine] == [("held-1", ["notifier"])]
        assert "held-1" in run(broker, "held", "list").stdout


class TestExplain:
    def test_tells_the_story_in_the_customers_time_without_doubles(self, broker: str) -> None:
        profile = {**CustomerProfile.EXAMPLE, "customer_id": "exp-1"}
        line = json.dumps({"type": "customer.profile.v1", "customer_id": "exp-1", "data": profile})
        assert run(broker, "publish", "-", lines=line).exit_code == 0
        scheduled = event("exp-1", NotificationScheduled.example(), event_id="e1", minutes=1)
        opened = event("exp-1", TaskOpened.example(), event_id="e2", minutes=0, service="callback")
        put_on_ledger(broker, scheduled, opened, scheduled, replace(scheduled, id="e9", customer_id="exp-2"))

        said = json.loads(run(broker, "explain", "--customer", "exp-1", "--json").stdout)

        assert (said["customer_id"], said["zone"]) == ("exp-1", "Asia/Shanghai")
        assert [step["id"] for step in said["steps"]] == ["e2", "e1"]
        assert said["steps"][0]["local_time"].endswith("+08:00")
        assert said["steps"][1]["decision"]["rule_id"] == "payment_failed.sms"

        table = run(broker, "explain", "--customer", "exp-1", "--zone", "America/New_York").stdout
        words = " ".join(table.split())
        assert "times in America/New_York" in words
        for word in ("task opened", "payment_failed.sms", "2026-11-01.1", "attempts_today=0", "told at once"):
            assert word in words

    def test_unreadable_ledger_records_are_counted_not_fatal(self, broker: str) -> None:
        good = ledger_record(event("exp-3", TaskOpened.example(), event_id="e3"))
        write_records(broker, [good, replace(good, value=b"{")])
        result = run(broker, "explain", "--customer", "exp-3", "--json")
        assert result.exit_code == 0
        assert "1 ledger records could not be read" in result.stderr

    def test_customer_nobody_knows(self, broker: str) -> None:
        result = run(broker, "explain", "--customer", "exp-nobody")
        assert result.exit_code == 1
        assert "the ledger says nothing of exp-nobody" in result.stderr
