"""Settings name the variable at fault, never repeat a value, and hide secrets."""

from datetime import timedelta

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from common.settings import (
    InvalidSettings,
    Seconds,
    TwilioSettings,
    describe_effective,
    load_settings,
    load_settings_or_exit,
)


class ExampleSettings(TwilioSettings):
    """A service's settings as its owner writes them."""

    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    http_port: int = Field(default=8080, ge=0, le=65535, description="Port of the HTTP server.")
    signing_key: SecretStr = Field(description="Signs links.")
    settle_seconds: Seconds = Field(default=timedelta(seconds=60), description="How long a list may lag.")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for shared in (
        "KAFKA_BOOTSTRAP_SERVERS",
        "REDIS_URL",
        "TWILIO_BASE_URL",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
    ):
        monkeypatch.delenv(shared, raising=False)
    monkeypatch.setenv("EXAMPLE_SIGNING_KEY", "open sesame")
    return monkeypatch


def test_reads_own_and_shared_variables(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EXAMPLE_HTTP_PORT", "9001")
    environment.setenv("EXAMPLE_SETTLE_SECONDS", "1.5")
    environment.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka-1:9092,kafka-2:9092")
    settings = load_settings(ExampleSettings)
    assert (settings.http_port, settings.settle_seconds) == (9001, timedelta(seconds=1.5))
    assert settings.kafka_bootstrap_servers == "kafka-1:9092,kafka-2:9092"


def test_an_empty_variable_counts_as_unset(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EXAMPLE_HTTP_PORT", "")
    assert load_settings(ExampleSettings).http_port == 8080


def test_tests_pass_fields_by_name() -> None:
    assert ExampleSettings(redis_url="redis://elsewhere:1/0", signing_key=SecretStr("k")).redis_url.endswith(":1/0")


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("EXAMPLE_HTTP_PORT", "nine thousand", "EXAMPLE_HTTP_PORT is wrong: "),
        ("EXAMPLE_HTTP_PORT", "70000", "EXAMPLE_HTTP_PORT is wrong: "),
        ("REDIS_URL", "http://redis", "REDIS_URL is wrong: "),
        ("TWILIO_ACCOUNT_SID", "secret-by-mistake", "TWILIO_ACCOUNT_SID is wrong: "),
        (
            "EXAMPLE_HTTP_PROT",
            "1",
            "EXAMPLE_HTTP_PROT is not a setting of this service; did you mean EXAMPLE_HTTP_PORT?",
        ),
        ("EXAMPLE_REDIS_URL", "redis://r", "did you mean REDIS_URL?"),
        ("EXAMPLE_ZZZ", "1", "known are KAFKA_BOOTSTRAP_SERVERS, REDIS_URL"),
    ],
)
def test_refuses_naming_the_variable(environment: pytest.MonkeyPatch, variable: str, value: str, named: str) -> None:
    environment.setenv(variable, value)
    with pytest.raises(InvalidSettings) as refused:
        load_settings(ExampleSettings)
    assert named in str(refused.value)
    assert value not in str(refused.value) or len(value) == 1


def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("EXAMPLE_SIGNING_KEY")
    with pytest.raises(InvalidSettings, match="EXAMPLE_SIGNING_KEY is required and not set"):
        load_settings(ExampleSettings)


def test_every_problem_is_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EXAMPLE_HTTP_PORT", "x")
    environment.setenv("EXAMPLE_UNHEARD_OF", "x")
    environment.setenv("REDIS_URL", "x")
    with pytest.raises(InvalidSettings) as refused:
        load_settings(ExampleSettings)
    assert len(refused.value.problems) == 3


def test_secrets_and_passwords_are_hidden(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REDIS_URL", "rediss://user:hunter2@redis.example:6380/1")
    settings = load_settings(ExampleSettings)
    lines = describe_effective(settings)
    assert "REDIS_URL=rediss://********@redis.example:6380/1" in lines
    assert "EXAMPLE_SIGNING_KEY=********" in lines
    assert "EXAMPLE_SETTLE_SECONDS=60" in lines
    for secret in ("hunter2", "open sesame", "sandbox-auth-token"):
        assert secret not in "\n".join(lines) + repr(settings)


def test_a_program_prints_its_settings_or_ends_with_code_2(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load_settings_or_exit(ExampleSettings)
    assert "EXAMPLE_HTTP_PORT=8080" in capsys.readouterr().err
    environment.setenv("EXAMPLE_HTTP_PORT", "x")
    with pytest.raises(SystemExit) as ended:
        load_settings_or_exit(ExampleSettings)
    assert ended.value.code == 2
    assert "EXAMPLE_HTTP_PORT" in capsys.readouterr().err
