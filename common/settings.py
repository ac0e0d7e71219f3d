"""The frame of every service's settings: from the environment, typed, described, and refused when unknown or wrong."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, NoReturn, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.errors import AppError
from common.observability.logging import LogFormat, LogLevel

HIDDEN = "********"
EXIT_CODE_OF_USAGE_ERRORS = 2


def _seconds(value: object) -> object:
    return float(value) if isinstance(value, str) and value.replace(".", "", 1).isdigit() else value


Seconds = Annotated[timedelta, BeforeValidator(_seconds)]
"""A duration that a variable gives in seconds, e.g. `DIALER_CALL_DEADLINE_SECONDS=2.5`."""


class ServiceSettings(BaseSettings):
    """What every service is told; a service adds its own fields and sets `env_prefix`, e.g. `NOTIFIER_`.

    A field's variable is the prefix and its name in capitals, unless it has a `validation_alias`: shared variables
    have no prefix. Empty variables count as unset. Tests may pass fields by name.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:19092",
        min_length=1,
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="Kafka brokers to ask first, `host:port` separated by commas.",
    )
    redis_url: str = Field(
        default="redis://127.0.0.1:19079/0",
        pattern=r"^(rediss?|redis\+cluster|unix)://",
        repr=False,  # may hold a password
        validation_alias="REDIS_URL",
        description="Redis or Valkey 6.2 or later: redis://, rediss:// (TLS), unix://, redis+cluster:// (a cluster).",
    )
    log_level: LogLevel = Field(
        default=LogLevel.INFO, validation_alias="LOG_LEVEL", description="debug, info, warning or error."
    )
    log_format: LogFormat = Field(
        default=LogFormat.AUTO,
        validation_alias="LOG_FORMAT",
        description="json, console, or auto: columns on a terminal, JSON lines elsewhere.",
    )
    http_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address the HTTP server listens on; loopback unless said otherwise.",
    )
    http_port: int = Field(default=19081, ge=1, le=65535, description="Port of the HTTP server.")
    session_timeout_seconds: Seconds = Field(
        default=timedelta(seconds=6),
        ge=timedelta(milliseconds=500),
        description="A replica silent for this long loses its partitions to the others, in seconds.",
    )
    audit_trail_seconds: Seconds = Field(
        default=timedelta(seconds=10),
        ge=timedelta(0),
        description="How far the audit stays behind the present; more than Redis can lose, in seconds.",
    )
    audit_every_seconds: Seconds = Field(
        default=timedelta(seconds=2), gt=timedelta(0), description="Pause between two rounds of the audit, in seconds."
    )
    pool_limit: int = Field(
        default=64, ge=1, le=10_000, description="How many provider calls and due items one process works on at once."
    )
    lease_seconds: Seconds = Field(
        default=timedelta(seconds=30),
        ge=timedelta(seconds=1),
        description="How long claimed due work is held before another replica may take it, in seconds.",
    )
    attempt_start_seconds: Seconds = Field(
        default=timedelta(seconds=5),
        gt=timedelta(0),
        description="A reserved provider call that was not started within this time is not started, in seconds.",
    )
    provider_deadline_seconds: Seconds = Field(
        default=timedelta(seconds=10), gt=timedelta(0), description="The longest a provider call may take, in seconds."
    )
    provider_settle_seconds: Seconds = Field(
        default=timedelta(seconds=60),
        ge=timedelta(0),
        description="How long a provider's list may lag; only after it an attempt counts as never sent, in seconds.",
    )
    reconcile_every_seconds: Seconds = Field(
        default=timedelta(seconds=5), gt=timedelta(0), description="Pause between two look-ups of an open attempt."
    )


class TwilioSettings(ServiceSettings):
    """What a service is told that speaks to Twilio."""

    twilio_base_url: str = Field(
        default="http://127.0.0.1:19080",
        pattern=r"^https?://",
        validation_alias="TWILIO_BASE_URL",
        description="Where Twilio's REST API is: the carrier sandbox, or https://api.twilio.com.",
    )
    twilio_account_sid: str = Field(
        default="AC00000000000000000000000000000000",
        pattern=r"^AC[0-9a-fA-F]{32}$",
        validation_alias="TWILIO_ACCOUNT_SID",
        description="Account that sends and calls.",
    )
    twilio_auth_token: SecretStr = Field(
        default=SecretStr("sandbox-auth-token"),
        validation_alias="TWILIO_AUTH_TOKEN",
        description="Secret of that account; also verifies the signatures of its status webhooks.",
    )


S = TypeVar("S", bound=BaseSettings)


class InvalidSettings(AppError):
    """The environment cannot be used; each problem names its variable and never repeats a value."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("invalid_settings", problems=self.problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


def load_settings(settings_class: type[S]) -> S:
    """Read the settings from the environment.

    Raises:
        InvalidSettings: a variable is missing, wrong, or has the class's prefix and is not known.
    """
    problems = [*_unknown(settings_class, os.environ)]
    try:
        settings = settings_class()
    except ValidationError as error:
        problems += _wrong(settings_class, error)
    if problems:
        raise InvalidSettings(problems)
    return settings


def load_settings_or_exit(settings_class: type[S]) -> S:
    """`load_settings` for a program's start: prints the effective settings, or what is wrong and ends with code 2."""
    try:
        settings = load_settings(settings_class)
    except InvalidSettings as error:
        _refuse(settings_class, error)
    print(*describe_effective(settings), sep="\n", file=sys.stderr, flush=True)
    return settings


def _refuse(settings_class: type[BaseSettings], error: InvalidSettings) -> NoReturn:
    print(f"{settings_class.__name__}: the environment cannot be used.", *error.problems, sep="\n  ", file=sys.stderr)
    raise SystemExit(EXIT_CODE_OF_USAGE_ERRORS) from error


def describe_effective(settings: BaseSettings) -> list[str]:
    """One line `VARIABLE=value` per setting; secrets and passwords inside URLs are hidden."""
    described = type(settings)
    return [f"{variable_of(described, name)}={shown(getattr(settings, name))}" for name in described.model_fields]


def variable_of(settings_class: type[BaseSettings], field_name: str) -> str:
    """The environment variable that sets the field."""
    alias = settings_class.model_fields[field_name].validation_alias
    return alias if isinstance(alias, str) else f"{_prefix(settings_class)}{field_name.upper()}"


def _prefix(settings_class: type[BaseSettings]) -> str:
    return str(settings_class.model_config.get("env_prefix", "")).upper()


def variables(settings_class: type[BaseSettings]) -> Iterator[tuple[str, FieldInfo]]:
    """Every variable the class reads, with its field (description, default, type)."""
    for name, field in settings_class.model_fields.items():
        yield variable_of(settings_class, name), field


def shown(value: object) -> str:
    """A setting's value for people: durations in seconds, secrets and passwords inside URLs hidden."""
    match value:
        case SecretStr():
            return HIDDEN if value.get_secret_value() else ""
        case str() if "@" in value and "://" in value:
            return _without_password(value)
        case timedelta():
            return f"{value.total_seconds():g}"
        case None:
            return ""
        case _:
            return str(value)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{HIDDEN}@{parts.netloc.rpartition('@')[2]}"))


def _unknown(settings_class: type[BaseSettings], environment: Mapping[str, str]) -> Iterator[str]:
    prefix = _prefix(settings_class)
    known = [name for name, _ in variables(settings_class)]
    for name in environment:
        if prefix and name.upper().startswith(prefix) and name.upper() not in known:
            yield f"{name} is not a setting of this service; {_hint(name.upper(), prefix, known)}"


def _hint(name: str, prefix: str, known: list[str]) -> str:
    shared = name.removeprefix(prefix)
    meant = [shared] if shared in known else get_close_matches(name, known, n=1)
    return f"did you mean {meant[0]}?" if meant else f"known are {', '.join(known)}."


def _wrong(settings_class: type[BaseSettings], error: ValidationError) -> Iterator[str]:
    variable_by_place = {name.lower(): name for name, _ in variables(settings_class)}
    variable_by_place |= {name: variable_of(settings_class, name) for name in settings_class.model_fields}
    for problem in error.errors(include_input=False, include_url=False):
        place = str(problem["loc"][0]) if problem["loc"] else "the environment"
        what = "is required and not set" if problem["type"] == "missing" else f"is wrong: {problem['msg']}"
        yield f"{variable_by_place.get(place.lower(), place)} {what}"
