"""`nineconnect topics`: creates the topics and shows whether the cluster's fit."""

import typer

from cli.connection import Bootstrap
from cli.output import EXIT_REFUSED, complain, show_table
from common.events.topics import TOPICS, Topic
from common.kafka.admin import actual_topics, admin_client, ensure_topics, topic_problems


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Create and check the Kafka topics.")
    group.command("ensure")(ensure)
    group.command("list")(list_topics)
    app.add_typer(group, name="topics")


def ensure(bootstrap: Bootstrap) -> None:
    """Create the missing topics and check all; fails on a wrong partition count, because shards depend on it."""
    with admin_client(bootstrap) as admin:
        created = ensure_topics(admin)
    for name in created:
        typer.echo(f"created {name} ({TOPICS[name].partitions} partitions)")
    typer.echo(f"{len(TOPICS)} topics are as they must be")


def list_topics(bootstrap: Bootstrap) -> None:
    """Show each topic: what it must be, and whether the cluster agrees."""
    with admin_client(bootstrap) as admin:
        actual = actual_topics(admin)
        problems = topic_problems(admin)
    wrong = {problem.split(" ", 1)[0] for problem in problems}
    rows = [_row(topic, exists=topic.name in actual, fits=topic.name not in wrong) for topic in TOPICS.values()]
    show_table("Topics", ["Topic", "Partitions", "Kept", "Key", "Owner", "Cluster"], rows)
    if problems:
        complain(*problems)
        raise typer.Exit(EXIT_REFUSED)


def _row(topic: Topic, *, exists: bool, fits: bool) -> list[str]:
    if topic.compacted:
        kept = "last of each key"
    elif topic.retention is None:
        kept = "for ever"
    else:
        kept = f"{topic.retention.days} days"
    state = "missing" if not exists else "fits" if fits else "wrong"
    return [topic.name, str(topic.partitions), kept, topic.key, topic.owner, state]
