"""`nineconnect explain`: why something happened to a customer, rule by rule."""

from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from cli.connection import AsJson, Bootstrap
from cli.event_reading import event_of, read_ledger
from cli.kafka_records import read_topic
from cli.output import EXIT_REFUSED, complain, show_json, show_table
from cli.story import COLUMNS, story
from common.events.profiles import CustomerProfile
from common.events.topics import CUSTOMER_PROFILES, OUTREACH_EVENTS, partition_for
from common.events.vocabulary import CUSTOMER_ID

Customer = Annotated[str, typer.Option("--customer", help="The customer's id.")]
Zone = Annotated[
    str | None,
    typer.Option(help="Time zone of the times shown.", show_default="the customer's, else UTC", metavar="NAME"),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("explain")(explain)


def explain(customer: Customer, bootstrap: Bootstrap, *, zone: Zone = None, as_json: AsJson = False) -> None:
    """Print a customer's story from the ledger: each step, the rule and pack behind it, its inputs and its reason."""
    if not CUSTOMER_ID.match(customer):
        raise typer.BadParameter("1 to 64 letters, digits, underscores or hyphens", param_hint="--customer")
    shown_in = _zone(zone) if zone else _zone_of_customer(bootstrap, customer)
    partition = partition_for(customer, OUTREACH_EVENTS.partitions)
    steps = story(read_ledger(bootstrap, customer_id=customer, partitions=[partition]), shown_in)
    if as_json:
        show_json({"customer_id": customer, "zone": str(shown_in), "steps": [step.as_dict() for step in steps]})
    elif steps:
        show_table(f"Customer {customer}, times in {shown_in}", COLUMNS, [step.row() for step in steps])
    if not steps:
        complain(f"the ledger says nothing of {customer}: no fact of this customer has reached a service")
        raise typer.Exit(EXIT_REFUSED)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter("must be an IANA name such as Asia/Shanghai", param_hint="--zone") from None


def _zone_of_customer(bootstrap: str, customer: str) -> tzinfo:
    """From the latest profile that can be read; quiet hours only make sense in the customer's own time."""
    partition = partition_for(customer, CUSTOMER_PROFILES.partitions)
    zone: tzinfo = UTC
    for record in read_topic(bootstrap, CUSTOMER_PROFILES, partitions=[partition]):
        event = event_of(record) if record.key == customer.encode() else None
        if event is not None:
            zone = ZoneInfo(event.data.time_zone) if isinstance(event.data, CustomerProfile) else UTC
    return zone
