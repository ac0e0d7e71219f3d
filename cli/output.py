"""How the commands speak: tables on stdout, complaints on stderr, JSON on wish."""

import json
import sys
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 200
"""Columns when nobody looks at a terminal; narrower ones would break words in logs and files."""

EXIT_REFUSED = 1
EXIT_UNAVAILABLE = 3


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table; cells are plain text, never markup."""
    table = Table(title=title, title_justify="left", show_lines=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)


def show_json(value: object) -> None:
    """Prints one JSON document."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def complain(*lines: str) -> None:
    """Prints lines on stderr."""
    for line in lines:
        typer.echo(line, err=True)
