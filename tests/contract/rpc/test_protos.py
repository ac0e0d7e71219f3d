"""The proto contract: well-formed, unbroken, and generated stubs fresh."""

import shutil
from pathlib import Path

import pytest

from cli import protos


def test_style_and_comments():
    protos.lint()


def test_no_client_is_broken():
    protos.breaking()


def test_generated_files_are_fresh():
    assert protos.stale() == []


def test_a_removed_field_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(protos.PROTOS, tmp_path / "protos")
    changed = tmp_path / "protos/nineconnect/dialer/v1/dialer.proto"
    text = changed.read_text(encoding="utf-8")
    removed = "  // Name of a call flow of the rule pack.\n  string flow = 5;\n"
    assert removed in text
    changed.write_text(text.replace(removed, ""), encoding="utf-8")
    monkeypatch.setattr(protos, "PROTOS", tmp_path / "protos")
    with pytest.raises(protos.ProtoError, match="flow"):
        protos.breaking()
    assert protos.stale()
