"""`nineconnect packs`: checks of rule packs before anybody publishes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from common.packs import InvalidPack, Pack, PackProblem, load_packs
from common.packs.documents import OVERLAYS


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    packs = typer.Typer(help="Rule packs: decisions as data.", no_args_is_help=True)
    packs.callback()(_group)
    packs.command()(check)
    app.add_typer(packs, name="packs")


def _group() -> None:
    """Rule packs: decisions as data."""  # a callback keeps `check` a subcommand while it is the only one


def check(
    directory: Annotated[Path, typer.Argument(help="Folder with a pack.yaml.")] = Path("policies"),
) -> None:
    """Check the pack in DIRECTORY, alone and under each of its overlays; exit 1 with every problem found."""
    problems: set[PackProblem] = set()
    for overlay in ((), *_overlays(directory)):
        try:
            typer.echo(_summary(directory, overlay, load_packs(directory, *overlay)))
        except InvalidPack as refusal:
            problems.update(refusal.problems)
    for line in _lines(sorted(problems)):
        typer.echo(line, err=True)
    raise typer.Exit(code=1 if problems else 0)


def _overlays(directory: Path) -> Iterator[tuple[str]]:
    return ((path.name,) for path in sorted((directory / OVERLAYS).glob("*")) if path.is_dir())


def _summary(directory: Path, overlay: tuple[str, ...], pack: Pack) -> str:
    content = pack.content
    parts = ("journeys", "scenarios", "compliance", "templates", "flows")
    counts = ", ".join(f"{part} {len(getattr(content, part))}" for part in parts)
    return f"{' + '.join((str(directory), *overlay))}: {pack.version} is in order ({counts})"


def _lines(problems: list[PackProblem]) -> Iterator[str]:
    file = ""
    for problem in problems:
        if problem.file != file:
            file = problem.file
            yield file
        yield f"  {problem.field or '(whole file)'}: {problem.reason}"
        yield f"    → {problem.remedy}"
    if problems:
        yield f"{len(problems)} to mend; the pack is refused as a whole."
