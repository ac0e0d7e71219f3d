"""Settings: read from SANDBOX_* variables, refused by name, the secret never shown."""

import pytest

from common.settings import InvalidSettings, describe_effective, load_settings
from sandbox.modes import Modes
from sandbox.settings import Settings


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SANDBOX_{name.upper()}", raising=False)


def test_modes_are_given_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_MODES", '{"flaky": 0.25, "seed": 9}')
    assert load_settings(Settings).modes == Modes(flaky=0.25, seed=9)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SANDBOX_SPEED", "0"),
        ("SANDBOX_PORT", "70000"),
        ("SANDBOX_ACCOUNT_SID", "AC1"),
        ("SANDBOX_INBOUND_URL", "somewhere"),
        ("SANDBOX_MODES", '{"flaky": 2}'),
        ("SANDBOX_FLAKEY", "1"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=variable):
        load_settings(Settings)


def test_the_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_AUTH_TOKEN", "very-secret")
    assert "very-secret" not in "\n".join(describe_effective(load_settings(Settings)))
