"""compose.yaml sets only variables that exist, with values that are accepted, and asks ports that somebody serves."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from cli.env_example import SECTIONS
from common.settings import load_settings, variables

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SETTINGS = {
    "sandbox": SECTIONS["carrier sandbox"][0],
    "notifier": SECTIONS["notifier"][0],
    "callback": SECTIONS["callback"][0],
    "outbound_dialer": SECTIONS["outbound_dialer"][0],
}


@pytest.mark.parametrize("service", SETTINGS)
def test_every_variable_is_a_setting(service: str) -> None:
    known = {name for name, _ in variables(SETTINGS[service])}
    assert set(COMPOSE["services"][service]["environment"]) <= known


@pytest.mark.parametrize("service", SETTINGS)
def test_every_value_is_accepted(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_class: type[BaseSettings] = SETTINGS[service]
    for name, value in COMPOSE["services"][service]["environment"].items():
        monkeypatch.setenv(name, value)
    load_settings(settings_class)


@pytest.mark.parametrize("service", SETTINGS)
def test_published_ports_are_loopback_and_served(service: str) -> None:
    environment = COMPOSE["services"][service]["environment"]
    for published in COMPOSE["services"][service]["ports"]:
        address, _, inside = str(published).rpartition(":")
        assert address.startswith("127.0.0.1:")
        assert inside in environment.values()


def test_the_broker_is_the_version_that_make_run_starts() -> None:
    from cli.stack.lock_kafka_jars import KAFKA

    assert COMPOSE["services"]["kafka"]["image"].rpartition(":")[2] == KAFKA.rpartition(":")[2]
