"""`nineconnect publish`: sends events line by line and says of each refused line what is wrong with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.connection import Bootstrap
from cli.event_lines import record_of
from cli.kafka_records import NewRecord, require_topics, write_records
from cli.output import EXIT_REFUSED, complain
from common.errors import InvalidEvent
from common.events.topics import CUSTOMER_PROFILES, POLICY_EVENTS

Source = Annotated[
    typer.FileBinaryRead, typer.Argument(metavar="FILE", help="JSON lines, CloudEvents or shorthand; - reads stdin.")
]
AllOrNothing = Annotated[bool, typer.Option("--all-or-nothing", help="Publish none when one line is wrong.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("publish")(publish)


def publish(source: Source, bootstrap: Bootstrap, *, all_or_nothing: AllOrNothing = False) -> None:
    """Publish events. Wrong lines are refused with number, field, reason and remedy, and make the exit code 1.

    Shorthand: {"type": "premium.payment_failed.v1", "customer_id": "c-1", "data": {...}}; "id" and "time" are optional.
    """
    reading = Reading(source)
    records: Iterable[NewRecord] = reading.records()
    if all_or_nothing:
        records = list(records)
        if reading.refused:
            _conclude(0, reading.refused)
    require_topics(bootstrap, [POLICY_EVENTS, CUSTOMER_PROFILES])
    _conclude(write_records(bootstrap, records), reading.refused)


@dataclass
class Reading:
    """Turns lines into records and complains about those that are none, as they come."""

    lines: Iterable[bytes]
    refused: int = field(default=0, init=False)

    def records(self) -> Iterator[NewRecord]:
        """The good lines' records, in order; empty lines are skipped."""
        for number, raw in enumerate(self.lines, start=1):
            line = raw.strip()
            if not line:
                continue
            try:
                record = record_of(line, datetime.now(UTC))
            except InvalidEvent as error:
                self.refused += 1
                complain(refusal_text(number, error))
            else:
                yield record


def refusal_text(number: int, error: InvalidEvent) -> str:
    """One line for a person: which line, which field, what is wrong, what to do."""
    where = f"line {number}, field {error.field}" if error.field else f"line {number}"
    return f"{where}: {error.reason} ({error.code}). To do: {error.remedy}"


def _conclude(published: int, refused: int) -> None:
    typer.echo(f"published {published}, refused {refused}")
    if refused:
        raise typer.Exit(EXIT_REFUSED)
