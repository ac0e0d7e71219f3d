"""The `nineconnect` command: every group registers itself; expected failures end with words, not with a traceback."""

import logging
from typing import Any

import typer
from typer.core import TyperGroup

from cli import dlq, explain, held, publish, run, sample, topics
from cli.output import EXIT_REFUSED, EXIT_UNAVAILABLE, complain
from common.errors import TransientError
from common.kafka.admin import WrongTopics

GROUPS = (run, topics, sample, publish, dlq, held, explain)


class Commands(TyperGroup):
    """Turns the failures that every command shares into words and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the chosen command."""
        try:
            return super().invoke(ctx)
        except TransientError as error:
            where = error.context.get("bootstrap", "the given address")
            complain(
                f"Kafka at {where} does not answer ({error.code}).",
                "What to do: start it with `make run`, or say where it is: the PORT_BASE of that run, --bootstrap or"
                " KAFKA_BOOTSTRAP_SERVERS.",
            )
            raise typer.Exit(EXIT_UNAVAILABLE) from error
        except WrongTopics as error:
            complain("The topics do not fit:", *error.problems)
            raise typer.Exit(EXIT_REFUSED) from error


def build_app() -> typer.Typer:
    """The command with all its groups."""
    app = typer.Typer(
        cls=Commands,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Operate nineconnect: topics, sample events, dead letters, and why something happened.",
    )
    for group in GROUPS:
        group.register(app)
    return app


def main() -> None:
    """The console script."""
    # a new topic's partitions answer "not leader" for a moment; what in the end fails is said by the command itself
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    build_app()()
