""".env.example and the settings classes agree, and every setting is described."""

from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from cli.env_example import PATH, SECTIONS, env_example, main
from common.settings import variables

CLASSES = [settings_class for classes in SECTIONS.values() for settings_class in classes]


def test_the_file_is_fresh() -> None:
    assert PATH.read_text() == env_example(), "run: make schemas"


def test_a_stale_file_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / ".env.example"
    assert main(["--check"], copy) == 1
    assert "make schemas" in capsys.readouterr().err
    assert main([], copy) == 0
    assert main(["--check"], copy) == 0


@pytest.mark.parametrize("settings_class", CLASSES, ids=lambda settings_class: settings_class.__name__)
def test_every_setting_is_described(settings_class: type[BaseSettings]) -> None:
    undescribed = [name for name, field in variables(settings_class) if not field.description]
    assert not undescribed


def test_secrets_stand_there_without_a_value() -> None:
    for line in env_example().splitlines():
        name, _, value = line.partition("=")
        if name.endswith(("_TOKEN", "_KEY")):
            assert value == "", name
