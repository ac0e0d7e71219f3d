"""`python -m sandbox` runs the carrier sandbox."""

import sys

import uvloop

from common.settings import load_settings_or_exit
from sandbox.app import serve
from sandbox.customers import ScenarioError
from sandbox.settings import Settings


def main() -> int:
    """Reads the settings and serves; gives the exit status."""
    settings = load_settings_or_exit(Settings)
    try:
        uvloop.run(serve(settings))
    except (OSError, ScenarioError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
