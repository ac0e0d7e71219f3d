"""`python -m sandbox` runs the carrier sandbox."""

import sys

import uvloop
from pydantic import ValidationError

from sandbox.app import serve
from sandbox.customers import ScenarioError
from sandbox.settings import PREFIX, Settings, unknown_variables


def main() -> int:
    """Reads the settings and serves; gives the exit status."""
    if unknown := unknown_variables():
        return _refuse(f"unknown settings: {', '.join(unknown)}")
    try:
        settings = Settings()
    except ValidationError as error:
        return _refuse(
            "; ".join(f"{PREFIX}{'__'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        )
    try:
        uvloop.run(serve(settings))
    except (OSError, ScenarioError) as error:
        return _refuse(str(error))
    return 0


def _refuse(reason: str) -> int:
    print(f"sandbox: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
