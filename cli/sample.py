"""`nineconnect sample`: prints valid, invented events as JSON lines."""

import sys
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated

import typer

from cli.samples.facts import SAMPLE_TYPES, samples
from cli.samples.people import People
from common.events.codec import encode
from common.events.profiles import CustomerProfile

PROFILE = "profile"

EventType = Annotated[str, typer.Argument(metavar="TYPE", help="profile, or a type such as premium.payment_failed.v1")]
Count = Annotated[int, typer.Option(min=1, help="How many events.")]
Customers = Annotated[
    int | None, typer.Option(min=1, help="How many customers they are about, in turn.", show_default="the count")
]
Seed = Annotated[int, typer.Option(min=0, help="Another seed gives other people.")]
Kcat = Annotated[bool, typer.Option("--kcat", help=r"Key, tab, value: ready for kcat -P -K '\t'.")]
Awake = Annotated[bool, typer.Option("--awake", help="Only customers for whom it is 10:00 to 18:00.")]
At = Annotated[
    str | None, typer.Option(metavar="ISO", help="When the events happened, with offset.", show_default="now")
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("sample")(sample)


def sample(
    event_type: EventType,
    *,
    count: Count = 10,
    customers: Customers = None,
    seed: Seed = 1,
    kcat: Kcat = False,
    awake: Awake = False,
    at: At = None,
) -> None:
    """Print sample profiles or events: invented people in CN, US and UK, with numbers reserved for fiction.

    The same arguments with the same --at print the same lines. A profile is needed before a fact can be acted upon:

        nineconnect sample profile --count 5 | nineconnect publish -

        nineconnect sample premium.payment_failed.v1 --count 5 | nineconnect publish -
    """
    moment = _moment(at)
    people = People(seed=seed, size=customers or count, awake_at=moment if awake else None)
    for envelope in samples(_known(event_type), count=count, people=people, seed=seed, at=moment):
        record = encode(envelope)
        sys.stdout.buffer.write(record.key + b"\t" + record.value if kcat else record.value)
        sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()


def _known(event_type: str) -> str:
    wanted = CustomerProfile.TYPE if event_type == PROFILE else event_type
    if wanted not in SAMPLE_TYPES:
        close = get_close_matches(wanted, SAMPLE_TYPES, n=1, cutoff=0.4)
        hint = f"did you mean {close[0]}?" if close else f"known are {PROFILE}, {', '.join(SAMPLE_TYPES)}"
        raise typer.BadParameter(f"no such type; {hint}", param_hint="TYPE")
    return wanted


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("must be like 2026-11-20T10:15:00+08:00", param_hint="--at") from None
    if moment.tzinfo is None:
        raise typer.BadParameter("needs an offset, such as +08:00 or Z", param_hint="--at")
    return moment.astimezone(UTC)
