"""Runs the notifier: `python -m services.notifier`."""

import sys

import uvloop

from common.settings import load_settings_or_exit
from services.notifier.bootstrap import serve
from services.notifier.settings import NotifierSettings

if __name__ == "__main__":
    sys.exit(uvloop.run(serve(load_settings_or_exit(NotifierSettings))))
