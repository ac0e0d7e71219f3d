"""What the callback service is told by its environment."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from common.settings import Seconds, ServiceSettings


class CallbackSettings(ServiceSettings):
    """Variables with the prefix `CALLBACK_`, besides those every service shares."""

    model_config = SettingsConfigDict(env_prefix="CALLBACK_")

    http_port: int = Field(default=19082, ge=1, le=65535, description="Port of the task API, health and metrics.")
    dialer_target: str = Field(
        default="127.0.0.1:19051", min_length=1, description="Where the outbound dialer's gRPC API is, `host:port`."
    )
    dialer_authority: Path | None = Field(
        default=None, description="PEM authority that signed the dialer's certificate; unset = no TLS."
    )
    dialer_certificate: Path | None = Field(default=None, description="PEM certificate shown to the dialer (mTLS).")
    dialer_key: Path | None = Field(default=None, description="PEM key of that certificate.")
    dialer_deadline_seconds: Seconds = Field(
        default=timedelta(seconds=5), gt=timedelta(0), description="The longest a request to the dialer may take."
    )
    watch_seconds: Seconds = Field(
        default=timedelta(minutes=5),
        gt=timedelta(0),
        description="How long the ledger may be silent on an ordered call before the dialer is asked, in seconds.",
    )
    policies_dir: Path = Field(default=Path("policies"), description="Directory of the rule pack.")
    policies_overlay: str = Field(
        default="", pattern=r"^([a-z][a-z0-9_-]*)?$", description="Overlay merged over the rule pack, e.g. `demo`."
    )
