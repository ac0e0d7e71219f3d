"""Runs the notifier: `python -m services.notifier`."""

from common.service.process import run
from common.settings import load_settings_or_exit
from services.notifier.bootstrap import serve
from services.notifier.settings import NotifierSettings

if __name__ == "__main__":
    run(serve(load_settings_or_exit(NotifierSettings)))
