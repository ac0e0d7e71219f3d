"""Structured logs: one JSON object a line on stderr, with correlation and trace id, and nothing personal in it."""

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from common.observability.failures import described_failure
from common.observability.masking import masked_field
from common.observability.tracing import bind_correlation, current_story

__all__ = ["LogFormat", "LogLevel", "bind_correlation", "configure_logging", "get_logger"]


class LogFormat(StrEnum):
    """How lines look; `auto` is for people on a terminal and for machines elsewhere."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def number(self) -> int:
        """The standard library's number for it."""
        return logging.getLevelNamesMapping()[self.name]


LIBRARY_EVENT = "library_log"
"""Event name of all lines of libraries, whose own words vary; these stand in `message`."""

LIBRARY_LEVELS: Mapping[str, int] = {
    "": logging.INFO,
    "aiokafka": logging.WARNING,
    "apscheduler": logging.WARNING,
    "asyncio": logging.WARNING,
    "faust": logging.WARNING,
    "kafka": logging.WARNING,
    "kafka.admin._groups": logging.ERROR,  # cannot read Faust's group metadata, and says so at each look at the members
    "mode": logging.WARNING,
    "twilio": logging.WARNING,  # tells whole requests, numbers and texts included, at INFO
    "uvicorn": logging.WARNING,
    "uvicorn.access": logging.ERROR,  # a line for each status webhook, with its sealed reference
}
"""The lowest level at which a library is heard, however low ours is: their debug output repeats payloads."""


def configure_logging(
    service: str, *, level: LogLevel = LogLevel.INFO, form: LogFormat = LogFormat.AUTO, stream: TextIO | None = None
) -> None:
    """Sends everything that this process logs, libraries included, to one stream; call it once, first thing.

    Run uvicorn with `log_config=None` and Faust with `logging_config=None`, else they set up their own.

    Args:
        service: goes into each line.
        level: lines of ours below it are dropped; libraries have floors of their own.
        form: JSON, or columns for a person.
        stream: stderr if not given.
    """
    stream = stream or sys.stderr
    shared = _shared(service)
    renderer = _renderer(form, stream)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level.number),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _route_libraries(
        level,
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_named_as_library, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        ),
        stream,
    )


def get_logger(component: str) -> FilteringBoundLogger:
    """A logger whose lines name the component; safe to make at import time, it follows the later configuration.

    Events are short constant names: `_log.warning("webhook_refused", reason="signature")`.
    """
    return cast("FilteringBoundLogger", structlog.get_logger(component=component))


def _route_libraries(level: LogLevel, formatter: logging.Formatter, stream: TextIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.getLogger().handlers = [handler]
    for name, floor in LIBRARY_LEVELS.items():
        library = logging.getLogger(name)
        library.setLevel(max(floor, level.number))
        if name:
            library.handlers.clear()
            library.propagate = True
    logging.captureWarnings(capture=True)


def _shared(service: str) -> list[Processor]:
    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        _add_story,
        _describe_failure,
        _mask,
    ]


def _add_story(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    story = current_story()
    if story.correlation_id:
        event.setdefault("correlation_id", story.correlation_id)
    if story.trace_id:
        event.setdefault("trace_id", story.trace_id)
    return event


def _describe_failure(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    failure = event.pop("exc_info", None)
    if failure is True:
        failure = sys.exc_info()
    if isinstance(failure, tuple):
        failure = failure[1]
    if isinstance(failure, BaseException):
        event["exception"] = described_failure(failure)
    return event


def _mask(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: _kept_or_masked(name, value) for name, value in event.items()}


def _kept_or_masked(name: str, value: object) -> object:
    # the formatter's own bookkeeping is taken out again before rendering
    return value if name in {"_record", "_from_structlog", "timestamp"} else masked_field(name, value)


def _named_as_library(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    event["message"] = event["event"]
    event["event"] = LIBRARY_EVENT
    event["logger"] = record.name
    return event


def _renderer(form: LogFormat, stream: TextIO) -> Processor:
    if form is LogFormat.CONSOLE or (form is LogFormat.AUTO and stream.isatty()):
        return structlog.dev.ConsoleRenderer(colors=stream.isatty())
    return _as_json


def _as_json(_: WrappedLogger, __: str, event: MutableMapping[str, Any]) -> str:
    try:
        return orjson.dumps(event).decode()
    except orjson.JSONEncodeError:  # lone surrogates or huge integers, which the slower encoder can escape
        return json.dumps(event)
