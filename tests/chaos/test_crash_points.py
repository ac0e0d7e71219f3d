"""Every crash point: a service is killed at each request of one customer's path, before and after it."""

import os
import time
from collections.abc import Callable, Iterator

import pytest

from tests.chaos.crew import Crew, crew, tally
from tests.chaos.services import MODULES, PRELOADED, SERVICES, quick_policies
from tests.chaos.story import TOLD_HOW_TO_PAY
from tests.support.forks.client import Forks

CELLS = int(os.environ.get("CHAOS_CELLS", "6"))
TEST_SECONDS = 3600
"""A bound for a machine that does ten other things; an idle one takes a minute or two."""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    directory = tmp_path_factory.mktemp("cells")
    policies = quick_policies(directory)
    with Forks(PRELOADED, directory) as forks, crew(CELLS, directory, policies, forks, TOLD_HOW_TO_PAY) as running:
        yield running


@pytest.mark.timeout(TEST_SECONDS)
@pytest.mark.parametrize("service", SERVICES)
def test_killed_at_every_request(cells: Crew, service: str, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    trials = cells.try_every_point(service)
    say(f"{MODULES[service]}: {tally(trials)}\n  in {time.monotonic() - began:.0f} s")
    failed = [trial for trial in trials if trial.problems]
    assert not failed, "\n\n".join(map(str, failed))
    assert any(trial.struck for trial in trials)


def test_nothing_was_dead_lettered(cells: Crew) -> None:
    assert cells.dead_letters() == 0
