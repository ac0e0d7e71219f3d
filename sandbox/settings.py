"""Settings of the sandbox, read from SANDBOX_* variables."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.modes import Modes


class Settings(BaseSettings):
    """What the sandbox can be told, each as `SANDBOX_` and the name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="SANDBOX_", frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on; the controls ask for no credentials.")
    port: int = Field(default=19080, ge=0, le=65535, description="Port to listen on; 0 asks the system for a free one.")
    book: Path = Field(default=Path("sandbox-book.jsonl"), description="The book, JSON lines; made when it is absent.")
    account_sid: str = Field(default="AC" + "0" * 32, pattern=r"^AC[0-9a-fA-F]{32}$", description="The only account.")
    auth_token: SecretStr = Field(
        default=SecretStr("sandbox-auth-token"),
        description="The account's secret; webhooks are signed with it.",
    )
    inbound_url: HttpUrl | None = Field(default=None, description="Where customers' replies are posted, if anywhere.")
    scenario: Path | None = Field(default=None, description="YAML file: how single customers behave.")
    speed: float = Field(default=20.0, gt=0.0, description="How many times faster than life simulated customers are.")
    webhook_attempts: int = Field(default=4, ge=1, le=10, description="Posts of one status callback, with retries.")
    webhook_timeout_seconds: Annotated[float, Field(gt=0.0)] = Field(
        default=15.0, description="How long an application may take to answer a webhook; the real carrier waits 15."
    )
    modes: Modes = Field(
        default=Modes(), description='Misbehaviour from the start, as JSON: {"flaky": 0.1, "list_lag_seconds": 2}.'
    )
