"""`nineconnect dlq`: shows what no service could read, and sends it again once the cause is mended."""

from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from cli.connection import AsJson, Bootstrap
from cli.kafka_records import NewRecord, read_topic, write_records
from cli.letter_groups import LetterGroup, grouped
from cli.output import EXIT_REFUSED, complain, show_json, show_table
from common.errors import InvalidEvent
from common.events.topics import INTAKE_TOPICS, TOPICS, Topic, dlq_of
from common.kafka.dead_letters import DeadLetter, Position, parse, replay_of, replayed_from

TopicName = Annotated[str | None, typer.Option("--topic", help="Topic of the original, e.g. policy-events.v1.")]
Partition = Annotated[int | None, typer.Option(min=0, help="Partition of the original.")]
Offset = Annotated[int | None, typer.Option(min=0, help="Offset of the original.")]
Everything = Annotated[bool, typer.Option("--all", help="All that were not replayed yet.")]
Again = Annotated[bool, typer.Option("--again", help="Also what was replayed already.")]
Last = Annotated[int, typer.Option(min=1, help="Show only so many of the latest.")]


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Dead letters: what no service could read.")
    group.command("list")(list_letters)
    group.command("replay")(replay)
    app.add_typer(group, name="dlq")


def list_letters(bootstrap: Bootstrap, *, topic: TopicName = None, last: Last = 100, as_json: AsJson = False) -> None:
    """Show the dead letters, one line for each original, with field, reason and remedy."""
    groups = _groups(bootstrap, _intake(topic))
    shown = groups[-last:]
    if as_json:
        show_json([group.as_dict() for group in shown])
        return
    columns = ["Original", "Refused at", "Customer", "Services", "Code", "Field", "Reason", "To do", "Replayed"]
    show_table(f"Dead letters: {len(shown)} of {len(groups)}", columns, [_row(group) for group in shown])


def replay(
    bootstrap: Bootstrap,
    *,
    topic: TopicName = None,
    partition: Partition = None,
    offset: Offset = None,
    everything: Everything = False,
    again: Again = False,
) -> None:
    """Publish originals again, untouched: one by --topic, --partition and --offset, or --all; each once."""
    wanted = _position(topic, partition, offset, everything=everything)
    groups = [group for group in _groups(bootstrap, _intake(topic)) if wanted in {None, group.original}]
    if not groups and wanted is not None:
        complain(f"there is no dead letter of {wanted}; see `nineconnect dlq list`")
        raise typer.Exit(EXIT_REFUSED)
    chosen = [group for group in groups if again or not group.is_replayed]
    if groups and not chosen and wanted is not None:
        complain(f"{wanted} was replayed already; --again does it once more")
        raise typer.Exit(EXIT_REFUSED)
    write_records(bootstrap, (_replay_record(group) for group in chosen))
    for group in chosen:
        typer.echo(f"replayed {group.original}")
    typer.echo(f"replayed {len(chosen)}, left out {len(groups) - len(chosen)} that were replayed before")


def _position(topic: str | None, partition: int | None, offset: int | None, *, everything: bool) -> Position | None:
    if everything and partition is None and offset is None:
        return None
    if everything or topic is None or partition is None or offset is None:
        raise typer.BadParameter("say which: --topic, --partition and --offset together, or --all")
    return Position(topic, partition, offset)


def _intake(name: str | None) -> list[Topic]:
    found = [topic for topic in INTAKE_TOPICS if name in {None, topic.name}]
    if not found:
        raise typer.BadParameter(f"no intake topic; known are {', '.join(topic.name for topic in INTAKE_TOPICS)}")
    return found


def _groups(bootstrap: str, topics: Iterable[Topic]) -> list[LetterGroup]:
    letters = [letter for topic in topics for letter in _letters(bootstrap, topic)]
    return grouped(letters, _replayed(bootstrap, letters))


def _letters(bootstrap: str, topic: Topic) -> Iterator[DeadLetter]:
    for record in read_topic(bootstrap, dlq_of(topic)):
        try:
            yield parse(key=record.key, value=record.value, headers=record.headers)
        except InvalidEvent as error:
            complain(f"{record.topic}/{record.partition}/{record.offset}: {error.reason}")


def _replayed(bootstrap: str, letters: list[DeadLetter]) -> set[Position]:
    """Which originals stand in their topic once more: only there can it be seen, and only later and beside them."""
    found: set[Position] = set()
    for name in {letter.original.topic for letter in letters} & TOPICS.keys():
        ours = [letter for letter in letters if letter.original.topic == name]
        records = read_topic(
            bootstrap,
            TOPICS[name],
            partitions={letter.original.partition for letter in ours},
            since=min(letter.at for letter in ours),
        )
        found |= {origin for record in records if (origin := replayed_from(record.headers))}
    return found


def _replay_record(group: LetterGroup) -> NewRecord:
    record = replay_of(group.first)
    return NewRecord(
        topic=group.original.topic,
        partition=group.original.partition,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )


def _row(group: LetterGroup) -> list[str]:
    first = group.first
    return [
        str(group.original),
        first.at.strftime("%Y-%m-%d %H:%M:%SZ"),
        group.customer,
        ", ".join(group.services),
        first.code,
        first.field,
        first.reason,
        first.remedy,
        "yes" if group.is_replayed else "no",
    ]
