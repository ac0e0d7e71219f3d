"""One run with one crash, and everything that is needed to understand it when it fails."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.kernel.redis import scripts
from common.kernel.redis.script import Script
from tests.support.relays.resp import SHA_SHOWN
from tests.support.relays.tap import Channel, Moment, Request

SCRIPT_NAMES: Mapping[str, str] = {
    script.sha[:SHA_SHOWN]: name.lower() for name, script in vars(scripts).items() if isinstance(script, Script)
}
"""The beginnings of the kernel's scripts' digests, by which Redis is asked to run them."""

ID_LIKE = re.compile(r"[A-Za-z0-9_-]{20,}(\.json)?|\d{4}-\d\d-\d\d|Accounts")


@dataclass(frozen=True)
class Point:
    """Where a process dies: at its `at`-th request of a kind since the first fact was published.

    Counted by kind, because loops that run side by side mix their requests differently each time: the third commit is
    the same step of the path in every run, the thirtieth request is not.
    """

    service: str
    kind: str
    at: int
    moment: Moment

    def __str__(self) -> str:
        return f"{self.service} killed {self.moment} its {self.kind} number {self.at}"


@dataclass(frozen=True)
class Trial:
    """What came of one run.

    Attributes:
        point: where the process was to die; None for a run that was left alone.
        struck: whether it came to that before everything had ended.
        seen: kinds of the requests that belonged to the path, in their order.
        seconds: how long the run took.
        problems: what was wrong in the end; empty when the run passed.
        report: everything that is known of the run, for a person.
    """

    point: Point | None
    struck: bool
    seen: Sequence[str]
    seconds: float
    problems: Sequence[str] = ()
    report: str = ""

    def __str__(self) -> str:
        requests = [f"request {number}: {kind}" for number, kind in enumerate(self.seen, start=1)]
        return "\n".join([f"{self.point}; struck: {self.struck}", *self.problems, *requests, self.report])


def kind_of(request: Request) -> str:
    """What a request is, in words for people: command, script, method or path, without ids."""
    name, _, rest = request.label.partition(" ")
    match request.channel:
        case Channel.REDIS if name in {"EVALSHA", "EVAL"}:
            return f"redis {SCRIPT_NAMES.get(rest.partition(' ')[0], 'script')}"
        case Channel.REDIS:
            return f"redis {name}"
        case Channel.CARRIER | Channel.WEBHOOK:
            path = "/".join(part for part in rest.split("/") if part and not ID_LIKE.fullmatch(part))
            return f"{request.channel} {name} {path}"
        case _:
            return f"{request.channel} {request.label.rpartition('/')[2]}"
