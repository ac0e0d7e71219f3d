"""Compliance profiles: what is in force when, for whom."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from common.errors import InvalidEvent
from common.events.vocabulary import Purpose
from common.packs import ContactChannel, Counted, is_allowed, next_allowed
from tests.support.packs import pack_with, shipped_pack

PACK = shipped_pack()
TODAY = date(2026, 11, 20)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize("jurisdiction", ["CN", "US", "UK"])
@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("channel", list(ContactChannel))
def test_every_purpose_and_channel_has_hours_with_a_source(
    jurisdiction: str, purpose: Purpose, channel: ContactChannel
) -> None:
    profile = PACK.compliance(jurisdiction, TODAY)
    assert profile.hours_rule(purpose, channel).source.text
    assert profile.hours(purpose, channel).always is (purpose in {Purpose.EMERGENCY, Purpose.ONE_TIME_CODE})


@pytest.mark.parametrize(
    ("channel", "clock", "allowed"),
    [
        (ContactChannel.SMS, "07:59", False),
        (ContactChannel.SMS, "08:00", True),
        (ContactChannel.SMS, "20:59", True),
        (ContactChannel.SMS, "21:00", False),
        (ContactChannel.VOICE_BOT, "08:59", False),
        (ContactChannel.VOICE_BOT, "09:00", True),
        (ContactChannel.VOICE_BOT, "13:00", True),
        (ContactChannel.VOICE_BOT, "20:30", False),
    ],
)
def test_service_hours_in_china(channel: ContactChannel, clock: str, allowed: bool) -> None:
    moment = datetime.fromisoformat(f"2026-11-20T{clock}").replace(tzinfo=SHANGHAI)
    assert is_allowed(PACK.compliance("CN", TODAY).hours(Purpose.SERVICE, channel), SHANGHAI, moment) is allowed


def test_marketing_calls_respect_the_midday_rest() -> None:
    hours = PACK.compliance("CN", TODAY).hours(Purpose.MARKETING, ContactChannel.VOICE_HUMAN)
    noon = datetime(2026, 11, 20, 12, tzinfo=SHANGHAI)
    assert next_allowed(hours, SHANGHAI, noon) == datetime(2026, 11, 20, 14, tzinfo=SHANGHAI)


def test_hours_do_not_bind_what_the_customer_asked_for_except_marketing() -> None:
    profile = PACK.compliance("CN", TODAY)
    assert profile.hours(Purpose.SERVICE, ContactChannel.SMS, asked=True).always
    assert not profile.hours(Purpose.MARKETING, ContactChannel.SMS, asked=True).always


def test_records_change_on_their_date() -> None:
    old, new = (PACK.compliance("US", day) for day in (date(2025, 4, 10), date(2025, 4, 11)))
    assert (old.is_opt_out("revoke"), new.is_opt_out("revoke")) == (False, True)


@pytest.mark.parametrize("text", ["r", "Ｒ", " 退订 ", "退 订", "td"])
def test_opt_out_words_are_known_in_any_case_width_and_spacing(text: str) -> None:
    assert PACK.compliance("CN", TODAY).is_opt_out(text)


@pytest.mark.parametrize("text", ["", "好的", "retention", "不要退订"])
def test_other_texts_are_no_opt_out(text: str) -> None:
    assert not PACK.compliance("CN", TODAY).is_opt_out(text)


def test_caps_bind_by_purpose_and_channel() -> None:
    profile = PACK.compliance("CN", TODAY)
    calls = {(cap.counted, cap.limit) for cap in profile.caps(Purpose.SERVICE, ContactChannel.VOICE_BOT)}
    assert calls == {(Counted.ATTEMPTS, 6), (Counted.CONNECTED, 3), (Counted.ATTEMPTS, 2)}
    assert profile.caps(Purpose.EMERGENCY, ContactChannel.VOICE_BOT) == ()


@pytest.mark.parametrize("jurisdiction", ["CN", "US", "UK"])
def test_a_phone_rings_at_least_fifteen_seconds(jurisdiction: str) -> None:
    profile = PACK.compliance(jurisdiction, TODAY)
    assert profile.min_ring == profile.dialing_rule(ContactChannel.VOICE_BOT).min_ring >= timedelta(seconds=15)


def test_no_rule_is_no_permission() -> None:
    with pytest.raises(InvalidEvent) as unknown:
        PACK.compliance("XX", TODAY)
    assert unknown.value.code == "unknown_jurisdiction"
    with pytest.raises(InvalidEvent) as too_early:
        PACK.compliance("CN", date(1999, 1, 1))
    assert too_early.value.code == "no_rule_in_force"
    early = PACK.compliance("CN", date(2021, 1, 1))
    with pytest.raises(InvalidEvent, match="dialing rules for sms"):
        early.dialing_rule(ContactChannel.SMS)
    later = pack_with(compliance="id: US\nhours: [{id: us-hours-service, effective_from: 2026-01-01}]")
    with pytest.raises(InvalidEvent, match="hours for service by sms"):
        later.compliance("US", date(2025, 6, 1)).hours(Purpose.SERVICE, ContactChannel.SMS)


def test_the_demo_overlay_calls_at_night() -> None:
    demo = shipped_pack("demo")
    night = datetime(2026, 11, 20, 20, tzinfo=UTC)
    for jurisdiction in ("CN", "US", "UK"):
        for channel in ContactChannel:
            hours = demo.compliance(jurisdiction, TODAY).hours(Purpose.SERVICE, channel)
            assert is_allowed(hours, SHANGHAI, night)
