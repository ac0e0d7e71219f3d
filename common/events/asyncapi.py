"""The AsyncAPI 3 document: which topic carries which events, made from topics and models."""

from collections.abc import Mapping
from typing import Any

from common.events.json_schemas import example_of
from common.events.model import Fact
from common.events.registry import MODELS, MODELS_BY_TOPIC
from common.events.topics import INTAKE_TOPICS, OUTREACH_EVENTS, Topic, dlq_of
from common.events.vocabulary import CUSTOMER_ID_PATTERN
from common.kafka.dead_letters import HEADER_MEANINGS

KAFKA_BINDING_VERSION = "0.5.0"

Document = dict[str, Any]

_DESCRIPTIONS: Mapping[str, str] = {
    "policy-events.v1": "Facts from the insurer's systems.",
    "customer-profiles.v1": "Profiles, compacted; a null value erases the customer.",
    "outreach-events.v1": "The ledger: every decision and state change of the product; no personal data.",
    "policy-packs.v1": "Published rule packs, compacted; every replica reads all of them.",
}


def document(version: str) -> Document:
    """The whole document; `version` is that of the contracts."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "nineconnect events",
            "version": version,
            "description": "CloudEvents 1.0 on Kafka, structured and binary mode. The key is the customer id.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": _channels(),
        "operations": _operations(),
        "components": {
            "messages": {
                **{model.__name__: _message(model) for model in MODELS.values()},
                "DeadLetter": _dead_letter(),
            }
        },
    }


def _channels() -> Document:
    channels: Document = {}
    for topic in INTAKE_TOPICS:
        models = MODELS_BY_TOPIC.get(topic.name, {})
        messages = [model.__name__ for model in models.values()]
        channels[_channel_name(topic)] = _channel(topic, _DESCRIPTIONS[topic.name], messages)
        letters = dlq_of(topic)
        description = f"What could not be read from {topic.name}: the original record and why."
        channels[_channel_name(letters)] = _channel(letters, description, ["DeadLetter"])
    return channels


def _channel(topic: Topic, description: str, messages: list[str]) -> Document:
    return {
        "address": topic.name,
        "description": f"{description} Owner: {topic.owner}. Key: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup_policy],
                    "retention.ms": topic.retention_ms,
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": KAFKA_BINDING_VERSION,
            }
        },
    }


def _channel_name(topic: Topic) -> str:
    """`policy-events.v1.dlq` → `policyEventsV1Dlq`."""
    first, *rest = topic.name.replace(".", "-").split("-")
    return first + "".join(word.capitalize() for word in rest)


def _operations() -> Document:
    received = {"receive" + _capital(topic): _operation("receive", topic) for topic in INTAKE_TOPICS}
    sent = (OUTREACH_EVENTS, *(dlq_of(topic) for topic in INTAKE_TOPICS))
    return received | {"send" + _capital(topic): _operation("send", topic) for topic in sent}


def _capital(topic: Topic) -> str:
    name = _channel_name(topic)
    return name[0].upper() + name[1:]


def _operation(action: str, topic: Topic) -> Document:
    return {"action": action, "channel": {"$ref": f"#/channels/{_channel_name(topic)}"}}


def _message(model: type[Fact]) -> Document:
    return {
        "name": model.TYPE,
        "title": model.__name__,
        "summary": (model.__doc__ or "").strip().split("\n")[0],
        "contentType": "application/cloudevents+json",
        "payload": {
            "allOf": [
                {"$ref": "./cloudevent.json"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": model.TYPE},
                        "data": {"$ref": f"./events/{model.TYPE}.json"},
                    },
                },
            ]
        },
        "bindings": {"kafka": {"key": {"type": "string", "pattern": CUSTOMER_ID_PATTERN}}},
        "examples": [{"name": "example", "payload": example_event(model)}],
    }


def example_event(model: type[Fact]) -> Document:
    """A whole event of this type in structured mode."""
    content = example_of(model)
    subject = content[model.KEY_FIELD] if model.KEY_FIELD else "c-000451"
    source = "/nineconnect/example" if model.TYPE in MODELS_BY_TOPIC[OUTREACH_EVENTS.name] else "/insurer/core"
    return {
        "specversion": "1.0",
        "id": "example-0001",
        "source": source,
        "type": model.TYPE,
        "subject": subject,
        "time": "2026-11-20T02:15:00Z",
        "datacontenttype": "application/json",
        "data": content,
    }


def _dead_letter() -> Document:
    properties = {name: {"type": "string", "description": meaning} for name, meaning in HEADER_MEANINGS.items()}
    return {
        "name": "dead_letter",
        "title": "DeadLetter",
        "summary": "The original record, byte for byte, and headers that explain.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "required": list(HEADER_MEANINGS), "properties": properties},
        "payload": {"description": "the original value, whatever it was"},
    }
