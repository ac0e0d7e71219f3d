"""`nineconnect packs check` as a person sees it."""

import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.packs import register
from tests.support.packs import POLICIES, shipped_pack

runner = CliRunner()


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POLICIES, tmp_path / "pack"))


def test_the_shipped_pack_and_its_overlays_are_in_order(app: typer.Typer) -> None:
    result = runner.invoke(app, ["packs", "check", str(POLICIES)])
    assert result.exit_code == 0
    assert f"policies: {shipped_pack().version} is in order (journeys 2, scenarios 1" in result.output
    assert f"policies + demo: {shipped_pack('demo').version} is in order" in result.output


def test_problems_are_told_by_file_with_a_remedy(app: typer.Typer, folder: Path) -> None:
    journeys = folder / "journeys" / "payment_failed.yaml"
    journeys.write_text(journeys.read_text().replace("send: PT0S", "send: soon", 1))
    result = runner.invoke(app, ["packs", "check", str(folder)])
    assert result.exit_code == 1
    assert result.stderr == (
        "journeys/payment_failed.yaml\n"
        "  send: must be an ISO 8601 duration of days, hours, minutes and seconds, such as PT10M, PT2H or P60D.\n"
        "    → Correct the value.\n"
        "1 to mend; the pack is refused as a whole.\n"
    )


def test_a_wrong_overlay_is_named_while_the_base_is_in_order(app: typer.Typer, folder: Path) -> None:
    (folder / "overlays" / "demo" / "nine-connect" / "n2.yaml").write_text("id: N2\npriority: urgent\n")
    result = runner.invoke(app, ["packs", "check", str(folder)])
    assert result.exit_code == 1
    assert "is in order" in result.stdout
    assert "nine-connect/n2.yaml with overlays/demo/nine-connect/n2.yaml\n  priority: " in result.stderr


def test_a_folder_without_a_pack_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    result = runner.invoke(app, ["packs", "check", str(tmp_path)])
    assert result.exit_code == 1
    assert "pack.yaml\n  (whole file): there is none." in result.stderr
