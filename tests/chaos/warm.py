"""Imported by the nursery: fills caches that every forked service would fill for itself, a third of its start.

Rule packs (locales, parsers) and Python's map from files to modules, which Faust has made for each agent.
"""

import inspect

import faust

from common.packs import load_packs
from tests.support.packs import POLICIES

load_packs(POLICIES, "demo")
inspect.getmodule(inspect.currentframe())
app = faust.App("warm", autodiscover=False)
