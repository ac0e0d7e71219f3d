"""What the nursery and its client say to each other: one JSON object a line."""

from typing import TypedDict


class Job(TypedDict):
    """`python -m module arguments…` with this environment and its output appended to `log`."""

    module: str
    arguments: list[str]
    environment: dict[str, str]
    log: str


class News(TypedDict):
    """A process was forked (`code` is None) or has ended (negative: by that signal)."""

    pid: int
    code: int | None
