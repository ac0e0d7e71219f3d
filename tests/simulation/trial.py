"""One trial: a schedule is run, and what does not hold afterwards is said; failing ones are made smaller."""

from collections.abc import Iterator
from contextlib import suppress

import stamina

from tests.simulation.build import with_callback, with_dialer, with_notifier
from tests.simulation.call_laws import CallbackLaws, DialerLaws
from tests.simulation.laws import NotifierLaws, of_every_service
from tests.simulation.machines import TooLong
from tests.simulation.plants import Plant
from tests.simulation.schedules import Happening, Schedule
from tests.simulation.world import World
from tests.support.virtual_time import Deadlock

MAX_SHRINKS = 200

# nobody listens to retries here, and telling costs more than retrying
stamina.instrumentation.set_on_retry_hooks([])


def broken(schedule: Schedule, plant: Plant | None = None) -> list[str]:
    """What does not hold after the schedule; empty when all is well."""
    world = World(schedule, plant)
    laws = laws_of(world)
    try:
        world.run()
    except (TooLong, Deadlock) as error:
        return [f"it never comes to rest: {error}"]
    found = list(of_every_service(world))
    return found or [wrong for law in laws for wrong in law.broken()]


def story(schedule: Schedule, plant: Plant | None = None) -> list[str]:
    """What happens in the schedule, line by line."""
    world = World(schedule, plant)
    world.around.journal.keeps = True
    laws_of(world)
    with suppress(TooLong, Deadlock):
        world.run()
    return world.around.journal.lines


def laws_of(world: World) -> list[NotifierLaws | CallbackLaws | DialerLaws]:
    """Puts the schedule's services into the world; returns what must hold of them."""
    laws: list[NotifierLaws | CallbackLaws | DialerLaws] = [NotifierLaws(world, with_notifier(world))]
    if world.schedule.whole_path:
        voice = with_dialer(world)
        with_callback(world)
        laws += [DialerLaws(world, voice), CallbackLaws(world)]
    return laws


def shrink(schedule: Schedule, plant: Plant | None = None) -> Schedule:
    """The smallest schedule that greedy removal of parts leads to and that still breaks something."""
    for smaller in _shrinking(schedule):
        if broken(smaller, plant):
            return shrink(smaller, plant)
    return schedule


def _shrinking(schedule: Schedule) -> Iterator[Schedule]:
    """Everything but the first profile may go: the laws speak of a customer who is known in the end."""
    for number, part in reversed(list(enumerate(schedule.parts))):
        if not (isinstance(part, Happening) and part.kind == "profile"):
            yield schedule.without(number)
