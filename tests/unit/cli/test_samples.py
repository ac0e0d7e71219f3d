"""Samples: valid for every type, the same for the same arguments, spread over the world, of nobody."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from typer.testing import CliRunner

from cli.app import build_app
from cli.event_lines import record_of
from cli.samples.facts import SAMPLE_TYPES, samples
from cli.samples.people import AREAS, PLACES, People
from common.events.codec import decode, encode
from common.events.envelope import Envelope
from common.events.profiles import CustomerProfile
from common.events.registry import topic_of
from common.events.upstream import PremiumPaymentFailed, PremiumPaymentSucceeded

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
PAYMENT_FAILED = "premium.payment_failed.v1"


def told(event_type: str, *, count: int = 30, customers: int = 10, seed: int = 1, at: datetime = AT) -> list[Envelope]:
    return list(samples(event_type, count=count, people=People(seed=seed, size=customers), seed=seed, at=at))


def profiles(count: int, *, awake_at: datetime | None = None) -> list[CustomerProfile]:
    people = People(seed=1, size=count, awake_at=awake_at)
    return [CustomerProfile.model_validate(people[index].profile) for index in range(count)]


@pytest.mark.parametrize("event_type", SAMPLE_TYPES)
class TestEachType:
    def test_is_what_the_services_accept(self, event_type: str) -> None:
        for event in told(event_type):
            record = encode(event)
            assert (
                decode(
                    topic=topic_of(event_type),
                    key=record.key,
                    value=record.value,
                    headers=record.headers,
                    recorded_at=AT,
                )
                == event
            )
            assert record_of(record.value, AT).key == record.key

    def test_same_arguments_give_the_same_events_and_others_give_others(self, event_type: str) -> None:
        first = told(event_type)
        assert told(event_type) == first
        ids = {event.id for event in first}
        assert len(ids) == len(first)
        assert ids.isdisjoint(event.id for event in told(event_type, seed=2))
        assert ids.isdisjoint(event.id for event in told(event_type, at=AT + timedelta(seconds=1)))


class TestFacts:
    def test_customers_take_turns(self) -> None:
        turns = Counter(event.customer_id for event in told(PAYMENT_FAILED, count=30, customers=10))
        assert set(turns.values()) == {3}

    def test_payment_closes_what_its_failure_opened(self) -> None:
        failed, paid = (told(name, count=1)[0] for name in (PAYMENT_FAILED, "premium.payment_succeeded.v1"))
        assert isinstance(failed.data, PremiumPaymentFailed)
        assert isinstance(paid.data, PremiumPaymentSucceeded)
        assert (failed.customer_id, failed.data.policy_id) == (paid.customer_id, paid.data.policy_id)
        assert paid.data.paid_at <= AT

    def test_money_is_that_of_the_country_and_reasons_differ(self) -> None:
        facts = [event.data for event in told(PAYMENT_FAILED) if isinstance(event.data, PremiumPaymentFailed)]
        assert {fact.currency for fact in facts} == {"CNY", "USD", "GBP"}
        assert len({fact.reason_code for fact in facts}) > 2
        assert len({fact.amount for fact in facts}) > 20


class TestPeople:
    def test_jurisdictions_zones_and_languages_are_spread(self) -> None:
        people = profiles(150)
        assert Counter(profile.jurisdiction for profile in people) == {"CN": 50, "US": 50, "UK": 50}
        assert {profile.jurisdiction for profile in people[:3]} == {"CN", "US", "UK"}
        assert len({profile.time_zone for profile in people}) == len({place.zone for place in PLACES}) == 8
        assert {profile.language for profile in people} == {"zh-CN", "en"}

    def test_numbers_are_reserved_for_fiction_and_unlike(self) -> None:
        numbers = [profile.phone_numbers[0].phone_number for profile in profiles(3000)]
        assert len(set(numbers)) == 3000
        for number in numbers:
            assert number.startswith("+447700900") or (number[2:5] in AREAS and number[5:10] == "55501")
            assert phonenumbers.is_possible_number(phonenumbers.parse(number))

    @pytest.mark.parametrize("hour", range(24))
    @pytest.mark.parametrize("month", [1, 7])
    def test_awake_people_are_awake_at_any_hour_of_the_year(self, hour: int, month: int) -> None:
        now = datetime(2026, month, 15, hour, 30, tzinfo=UTC)
        for profile in profiles(10, awake_at=now):
            assert 10 <= now.astimezone(ZoneInfo(profile.time_zone)).hour < 18


class TestCommand:
    def run(self, *arguments: str) -> list[str]:
        result = CliRunner().invoke(build_app(), ["sample", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    def test_prints_json_lines(self) -> None:
        lines = self.run("profile", "--count", "4", "--seed", "7", "--at", AT.isoformat())
        assert [json.loads(line)["subject"] for line in lines] == [f"c7-{number:06d}" for number in (1, 2, 3, 4)]
        assert lines == self.run("customer.profile.v1", "--count", "4", "--seed", "7", "--at", AT.isoformat())

    def test_now_is_the_default_moment(self) -> None:
        told_at = datetime.fromisoformat(json.loads(self.run(PAYMENT_FAILED, "--count", "1")[0])["time"])
        assert abs(datetime.now(UTC) - told_at) < timedelta(minutes=1)

    def test_customers_fewer_than_events(self) -> None:
        lines = self.run(PAYMENT_FAILED, "--count", "6", "--customers", "2")
        assert Counter(json.loads(line)["subject"] for line in lines) == {"c1-000001": 3, "c1-000002": 3}

    def test_kcat_lines_are_key_tab_value(self) -> None:
        for line in self.run("emergency.declared.v1", "--count", "3", "--kcat"):
            key, value = line.split("\t")
            assert json.loads(value)["subject"] == key

    def test_awake(self) -> None:
        lines = self.run("profile", "--awake", "--at", "2026-11-20T06:00:00Z")
        assert {json.loads(line)["data"]["jurisdiction"] for line in lines} == {"CN"}

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["premium.payment_faild.v1"], "did you mean premium.payment_failed.v1?"),
            (["zzz"], "known are profile"),
            (["task.opened.v1"], "no such type"),
            (["profile", "--at", "yesterday"], "must be like"),
            (["profile", "--at", "2026-11-20T03:00:00"], "needs an offset"),
        ],
    )
    def test_wrong_words_are_answered(self, arguments: list[str], words: str) -> None:
        result = CliRunner().invoke(build_app(), ["sample", *arguments], env={"COLUMNS": "200"})
        assert result.exit_code == 2
        assert words in " ".join(result.output.replace("│", " ").split())
