"""JSON Schemas of the events, made from the models: the content of each type, and the envelope around it."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from common.events.attributes import MAX_ATTRIBUTE_CHARS
from common.events.model import Fact
from common.events.vocabulary import CUSTOMER_ID_PATTERN, REFERENCE_PATTERN

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SHORT_TEXT = {"type": "string", "minLength": 1, "maxLength": MAX_ATTRIBUTE_CHARS}


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        del schema
        return False


def content_schema(model: type[Fact]) -> JsonSchemaValue:
    """The schema of `data` for one event type, with its example."""
    schema = model.model_json_schema(schema_generator=_Untitled)
    return {"$schema": DIALECT, **schema, "examples": [example_of(model)]}


def example_of(model: type[Fact]) -> dict[str, Any]:
    """The published example as a consumer would see it on the wire: every field, defaults included."""
    return model.example().model_dump(mode="json")


def envelope_schema() -> JsonSchemaValue:
    """The schema of an event in structured mode, whatever its content."""
    return {
        "$schema": DIALECT,
        "title": "CloudEvent",
        "description": "CloudEvents 1.0 in JSON; the attributes that the product reads and writes.",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {
                "type": "string",
                "pattern": REFERENCE_PATTERN,
                "description": "Unique; the same id with the same content is the same event, sent again.",
            },
            "source": {**_SHORT_TEXT, "description": "URI-reference of the system that says it."},
            "type": {**_SHORT_TEXT, "description": "<domain>.<fact>.v<N>"},
            "subject": {
                "type": "string",
                "pattern": CUSTOMER_ID_PATTERN,
                "description": "Equals the Kafka key: the customer id; the region for emergency.*.",
            },
            "time": {
                "type": "string",
                "format": "date-time",
                "description": "When it happened; at most 10 minutes after and 30 days before it reached Kafka.",
            },
            "datacontenttype": {"type": "string", "pattern": "^application/json"},
            "correlationid": {**_SHORT_TEXT, "description": "The same on everything that follows from one event."},
            "causationid": {**_SHORT_TEXT, "description": "Id of the event that caused this one."},
            "traceparent": {**_SHORT_TEXT, "description": "W3C trace context (distributed tracing extension)."},
            "sequence": {
                "type": "string",
                "pattern": "^[0-9]{1,18}$",
                "description": "Order of one customer's events from one service (sequence extension).",
            },
            "service": {**_SHORT_TEXT, "description": "The service of the product that says it."},
            "data": {"type": "object"},
        },
    }
