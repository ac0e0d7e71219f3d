"""`nineconnect held`: facts that wait for their customer's profile."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from cli.connection import AsJson, Bootstrap
from cli.event_reading import read_ledger
from cli.output import show_json, show_table
from common.events.envelope import Envelope
from common.events.ledger import FactHeld, FactReleased

Days = Annotated[int, typer.Option(min=1, max=3650, help="How far back to look.")]


@dataclass(slots=True)
class HeldFact:
    """One upstream fact that waits, with the services that hold it."""

    customer_id: str
    fact_id: str
    fact_type: str
    reason: str
    since: datetime
    services: set[str] = field(default_factory=set)

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {
            "customer_id": self.customer_id,
            "fact_id": self.fact_id,
            "fact_type": self.fact_type,
            "reason": self.reason,
            "since": self.since.isoformat(),
            "services": sorted(self.services),
        }


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Facts that wait for their customer's profile.")
    group.callback()(_only_a_group)
    group.command("list")(list_held)
    app.add_typer(group, name="held")


def _only_a_group() -> None:
    """Facts that wait for their customer's profile."""


def list_held(bootstrap: Bootstrap, *, days: Days = 31, as_json: AsJson = False) -> None:
    """Show the facts that were held and not released; publishing the customer's profile sets them going."""
    found = held_facts(read_ledger(bootstrap, since=datetime.now(UTC) - timedelta(days=days)))
    if as_json:
        show_json([fact.as_dict() for fact in found])
        return
    columns = ["Customer", "Fact", "Id", "Held since", "By", "Reason"]
    rows = [
        [
            fact.customer_id,
            fact.fact_type,
            fact.fact_id,
            fact.since.strftime("%Y-%m-%d %H:%M:%SZ"),
            ", ".join(sorted(fact.services)),
            fact.reason,
        ]
        for fact in found
    ]
    show_table(f"Held facts: {len(rows)}", columns, rows)


def held_facts(events: Iterable[Envelope]) -> list[HeldFact]:
    """What was held and, by the same service, not released; oldest first. Doubled ledger events change nothing."""
    holding: dict[tuple[str, str], HeldFact] = {}
    released: set[tuple[str, str, str]] = set()
    for event in events:
        service = event.service or event.source
        if isinstance(event.data, FactReleased):
            released.add((event.customer_id, event.data.fact_id, service))
        elif isinstance(event.data, FactHeld):
            _hold(holding, event, event.data).services.add(service)
    for (customer_id, fact_id), fact in holding.items():
        fact.services -= {service for service in fact.services if (customer_id, fact_id, service) in released}
    return sorted((fact for fact in holding.values() if fact.services), key=lambda fact: fact.since)


def _hold(holding: dict[tuple[str, str], HeldFact], event: Envelope, held: FactHeld) -> HeldFact:
    return holding.setdefault(
        (event.customer_id, held.fact_id),
        HeldFact(event.customer_id, held.fact_id, held.fact_type, held.reason, event.time),
    )
