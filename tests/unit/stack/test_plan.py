"""The plan of a local run: which ports are needed, what the services are told, what a person may choose."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.env_example import SECTIONS
from cli.stack.plan import GENERATED_SECRETS, StackPlan
from cli.stack.ports import StackPorts
from cli.stack.run_folder import RunFolder
from cli.stack.run_settings import RunSettings
from common.settings import load_settings, variables

SECRETS = {name: f"{name.lower()}-of-at-least-thirty-two-characters" for name in GENERATED_SECRETS}
SERVICES = ("notifier", "callback", "outbound_dialer")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, _ in [pair for classes in SECTIONS.values() for each in classes for pair in variables(each)]:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def plan_of(tmp_path: Path, **settings: object) -> StackPlan:
    return StackPlan(
        settings=RunSettings.model_validate(settings),
        ports=StackPorts(21000),
        folder=RunFolder(tmp_path, 21000),
        secrets=SECRETS,
    )


def external() -> dict[str, object]:
    return {
        "kafka_bootstrap_servers": "kafka.example:9092",
        "redis_url": "redis://:hunter2@redis.example:6379/0",
        "twilio_base_url": "https://api.example",
        "twilio_account_sid": "AC" + "1" * 32,
        "twilio_auth_token": SecretStr("the real one"),
    }


def test_starts_everything_by_itself(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert plan.kafka()
    assert plan.redis()
    assert plan.sandbox()
    assert sorted(plan.wanted_ports().values()) == [21051, 21079, 21080, 21081, 21082, 21083, 21092, 21093]


def test_starts_only_what_is_not_there(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, **external())
    assert (plan.kafka(), plan.redis(), plan.sandbox()) == (None, None, None)
    assert sorted(plan.wanted_ports().values()) == [21051, 21081, 21082, 21083]
    told = plan.service_environment()
    assert told["KAFKA_BOOTSTRAP_SERVERS"] == "kafka.example:9092"
    assert told["TWILIO_AUTH_TOKEN"] == "the real one"
    assert "hunter2" not in str(plan.addresses())


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_accepts_what_it_is_told(service: str, tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    plan = plan_of(tmp_path)
    for name, value in plan.service_environment().items():
        environment.setenv(name, value)
    settings = load_settings(SECTIONS[service][0])
    assert f":{settings.model_dump()['http_port']}" in plan.addresses()[service]


def test_a_person_chooses_public_addresses_and_rules(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFIER_PUBLIC_URL", "https://hooks.example")
    environment.setenv("CALLBACK_POLICIES_OVERLAY", "winter")
    told = plan_of(tmp_path).service_environment()
    assert told["NOTIFIER_PUBLIC_URL"] == "https://hooks.example"
    assert told["CALLBACK_POLICIES_OVERLAY"] == "winter"
    assert told["DIALER_POLICIES_OVERLAY"] == "demo"


def test_a_real_carrier_needs_an_account(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="TWILIO_ACCOUNT_SID"):
        RunSettings(twilio_base_url="https://api.example")
