"""Where Kafka is: the option that every command takes, and what it defaults to."""

import os
from typing import Annotated

import typer

from cli.stack.ports import LOOPBACK, StackPorts

DEFAULT_PORT_BASE = "19000"


def default_bootstrap() -> str:
    """The broker that `make run` starts: loopback, at 92 above `PORT_BASE`."""
    base = os.environ.get("PORT_BASE") or DEFAULT_PORT_BASE
    if not base.isdigit():
        raise typer.BadParameter("PORT_BASE must be a port number")
    return f"{LOOPBACK}:{StackPorts(int(base)).kafka}"


Bootstrap = Annotated[
    str,
    typer.Option(
        "--bootstrap",
        envvar="KAFKA_BOOTSTRAP_SERVERS",
        default_factory=default_bootstrap,
        show_default="the broker of `make run`",
        help="Kafka brokers, host:port with commas between.",
    ),
]
"""Kafka's address; by the environment, else the local one."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
