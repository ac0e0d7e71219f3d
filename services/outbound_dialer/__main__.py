"""Runs the outbound dialer: `python -m services.outbound_dialer`."""

from common.service.process import run
from common.settings import load_settings_or_exit
from services.outbound_dialer.bootstrap import serve
from services.outbound_dialer.settings import DialerSettings

if __name__ == "__main__":
    run(serve(load_settings_or_exit(DialerSettings)))
