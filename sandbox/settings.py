"""Settings of the sandbox, read from SANDBOX_* variables."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.modes import Modes

PREFIX = "SANDBOX_"


class Settings(BaseSettings):
    """What the sandbox can be told; `SANDBOX_MODES__FLAKY=0.1` sets one mode."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="0 asks the system for a free one")] = 19080
    book: Annotated[Path, Field(description="append-only JSON lines; made when it is absent")] = Path(
        "sandbox-book.jsonl"
    )
    account_sid: Annotated[str, Field(pattern=r"^AC[0-9a-f]{32}$")] = "AC" + "0" * 32
    auth_token: SecretStr = SecretStr("sandbox-auth-token")
    inbound_url: Annotated[HttpUrl | None, Field(description="where customers' replies are posted")] = None
    scenario: Annotated[Path | None, Field(description="YAML file that tells how single customers behave")] = None
    speed: Annotated[float, Field(gt=0.0, description="how many times faster than life simulated customers are")] = 20.0
    webhook_attempts: Annotated[
        int, Field(ge=1, le=10, description="posts of one status callback, retries included")
    ] = 4
    webhook_timeout_seconds: Annotated[float, Field(gt=0.0, description="the real carrier waits 15")] = 15.0
    modes: Modes = Modes()

    def shown(self) -> dict[str, object]:
        """The effective settings for a person to read, the secret hidden."""
        return self.model_dump(mode="json")


def unknown_variables() -> list[str]:
    """Names of SANDBOX_* variables that no setting has: most likely typing mistakes."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name.split("__")[0] not in known)
