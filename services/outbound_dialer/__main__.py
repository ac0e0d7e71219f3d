"""Runs the outbound dialer: `python -m services.outbound_dialer`."""

import sys

import uvloop

from common.settings import load_settings_or_exit
from services.outbound_dialer.bootstrap import serve
from services.outbound_dialer.settings import DialerSettings

if __name__ == "__main__":
    sys.exit(uvloop.run(serve(load_settings_or_exit(DialerSettings))))
