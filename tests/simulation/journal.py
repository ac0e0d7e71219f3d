"""Keeps what happens in a world, so that a person can follow a replayed schedule."""

from tests.support.virtual_time import VirtualLoop


class Journal:
    """Lines with their time; keeps none unless it is asked to, because most schedules are not read by anybody."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.keeps = False
        self.lines: list[str] = []

    def say(self, *what: object) -> None:
        """One line."""
        if self.keeps:
            self.lines.append(f"{self._loop.time():14.3f}  {' '.join(map(str, what))}")
