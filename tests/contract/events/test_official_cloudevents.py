"""Our codec against the official CloudEvents package: each reads what the other writes, in both content modes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import (
    KafkaMessage,
    from_binary,
    from_structured,
    to_binary,
    to_structured,
)
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from common.events.codec import Encoded, decode, encode, encode_binary
from common.events.envelope import Envelope
from common.events.model import Fact
from common.events.registry import MODELS, topic_of

NOW = datetime(2026, 11, 20, 2, 15, 0, 250_000, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

every_type = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())


def envelope(model: type[Fact]) -> Envelope:
    fact = model.example()
    return Envelope(
        id="core-2026-000781",
        source="/insurer/core",
        type=model.TYPE,
        time=NOW,
        customer_id=str(getattr(fact, model.KEY_FIELD)) if model.KEY_FIELD else "c-000451",
        data=fact,
        correlation_id="corr-1",
        causation_id="cause-1",
        traceparent=TRACE,
        sequence=42,
        service="notifier",
    )


def official_message(encoded: Encoded) -> KafkaMessage:
    return KafkaMessage(headers=dict(encoded.headers), key=None, value=encoded.value)


def attributes(event: Envelope) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.customer_id,
        "time": event.time,
        "datacontenttype": "application/json",
        "correlationid": "corr-1",
        "causationid": "cause-1",
        "traceparent": TRACE,
        "sequence": "000000000042",
        "service": "notifier",
    }


@every_type
class TestOfficialReadsOurs:
    def test_structured(self, model: type[Fact]) -> None:
        event = envelope(model)
        read = from_structured(official_message(encode(event)), JSONFormat())
        self.check(read, event)

    def test_binary(self, model: type[Fact]) -> None:
        event = envelope(model)
        read = from_binary(official_message(encode_binary(event)), JSONFormat())
        self.check(read, event)

    def check(self, read: Any, event: Envelope) -> None:
        assert event.data is not None
        assert read.get_attributes() == attributes(event)
        assert read.get_data() == event.data.model_dump(mode="json")


@every_type
class TestWeReadOfficial:
    def test_structured(self, model: type[Fact]) -> None:
        event = envelope(model)
        assert self.read(to_structured(self.official(event), JSONFormat()), event) == event

    def test_binary(self, model: type[Fact]) -> None:
        event = envelope(model)
        assert self.read(to_binary(self.official(event), JSONFormat()), event) == event

    def test_both_modes_are_the_same_event(self, model: type[Fact]) -> None:
        event = envelope(model)
        structured = self.read(to_structured(self.official(event), JSONFormat()), event)
        binary = self.read(to_binary(self.official(event), JSONFormat()), event)
        assert structured.digest == binary.digest != ""

    def official(self, event: Envelope) -> CloudEvent:
        return CloudEvent(attributes(event), json.loads(json.dumps(event.data and event.data.EXAMPLE)))

    def read(self, message: KafkaMessage, event: Envelope) -> Envelope:
        return decode(
            topic=topic_of(event.type),
            key=event.customer_id.encode(),
            value=message.value,
            headers=list(message.headers.items()),
            recorded_at=NOW,
        )
