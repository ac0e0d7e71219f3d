"""Runs the callback service: `python -m services.callback`."""

from common.service.process import run
from common.settings import load_settings_or_exit
from services.callback.bootstrap import serve
from services.callback.settings import CallbackSettings

if __name__ == "__main__":
    run(serve(load_settings_or_exit(CallbackSettings)))
