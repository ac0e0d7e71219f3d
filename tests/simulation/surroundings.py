"""What all processes of a simulated world share: time, luck, the network, and a list of bugs."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from tests.simulation.carrier import Modes
from tests.simulation.journal import Journal
from tests.simulation.machines import MachineLoop
from tests.simulation.wire import Wire
from tests.support.virtual_time import START, VirtualClock

USUAL_TRIP = 0.004


@dataclass
class Surroundings:
    """Shared by a world's processes.

    Attributes:
        partitions: shards of every service.
        copies_states: whether changed documents go to the state topics; only a lost store ever reads them.
        bugs: exceptions nobody expected.
    """

    loop: MachineLoop
    rng: Random
    modes: Modes
    partitions: int
    copies_states: bool
    bugs: list[BaseException] = field(default_factory=list)
    clock: VirtualClock = field(init=False)
    journal: Journal = field(init=False)
    wire: Wire = field(init=False)

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self.loop)
        self.journal = Journal(self.loop)
        self.wire = Wire(self.loop, self.rng, self.modes["slow_network"] or USUAL_TRIP, self.modes["lost_answers"])

    def by_lot(self, name: str) -> bool:
        """Whether a mode strikes now."""
        share = self.modes[name]
        return share > 0 and self.rng.random() < share

    def new_id(self) -> str:
        """An id of its own for each ledger event, also after lost writes."""
        return f"{self.rng.getrandbits(64):016x}"

    @staticmethod
    def seconds(at: datetime) -> float:
        """The loop's time of a moment."""
        return (at - START).total_seconds()

    def ended(self, task: asyncio.Task[Any]) -> None:
        """A process's work ended; what escaped it is a bug."""
        if not task.cancelled() and (error := task.exception()):
            self.bugs.append(error)
