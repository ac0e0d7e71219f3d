"""One run at a time holds the folder, and its secrets stay the same and private."""

import stat
from pathlib import Path

import pytest

from cli.stack.errors import StackError
from cli.stack.run_folder import RunFolder


def test_a_second_run_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with RunFolder(tmp_path, 19000).locked():
        with pytest.raises(StackError, match="already runs") as refused, RunFolder(tmp_path, 19000).locked():
            pass
        assert "PORT_BASE=" in refused.value.remedy
        with RunFolder(tmp_path, 29000).locked():
            pass
    with RunFolder(tmp_path, 19000).locked():
        pass


def test_secrets_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, 19000)
    with folder.locked():
        first = folder.secrets(["A"])
        both = folder.secrets(["A", "B"])
    assert both["A"] == first["A"] != both["B"]
    assert len(both["B"]) >= 32
    assert RunFolder(tmp_path, 19000).secrets(["B"])["B"] == both["B"]
    assert stat.S_IMODE((folder.path / "secrets.json").stat().st_mode) == 0o600
