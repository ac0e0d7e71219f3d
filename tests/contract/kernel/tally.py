"""The smallest aggregate there is: a counter with alarms, for tests of the kernel."""

from dataclasses import dataclass, field
from datetime import datetime

from common.kernel.document import AggregateType


@dataclass(frozen=True)
class Tally:
    customer_id: str
    count: int = 0
    alarms: dict[str, datetime] = field(default_factory=dict)


TALLY = AggregateType(
    service="tally", state=Tally, schema=1, empty=Tally, clocks=lambda state: state.alarms, upgrades={}
)
