"""What the dialer is told by its environment."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from common.settings import Seconds, TwilioSettings


class DialerSettings(TwilioSettings):
    """Variables with the prefix `DIALER_`, besides those every service shares."""

    model_config = SettingsConfigDict(env_prefix="DIALER_")

    http_port: int = Field(default=19083, ge=1, le=65535, description="Port of voice webhooks, health and metrics.")
    grpc_host: str = Field(
        default="127.0.0.1", min_length=1, description="Address the gRPC server listens on; loopback unless said."
    )
    grpc_port: int = Field(default=19051, ge=0, le=65535, description="Port of the gRPC API; 0 takes a free one.")
    grpc_certificate: Path | None = Field(
        default=None, description="PEM certificate of the gRPC server; unset = no TLS."
    )
    grpc_key: Path | None = Field(default=None, description="PEM key of that certificate.")
    grpc_client_authority: Path | None = Field(
        default=None, description="PEM authority that must have signed every client's certificate (mTLS)."
    )
    public_url: str = Field(
        default="http://127.0.0.1:19083",
        pattern=r"^https?://[^/]+$",
        description="Scheme and host under which the provider reaches the HTTP port; part of what it signs.",
    )
    webhook_key: SecretStr = Field(
        default=SecretStr("not-a-secret-only-for-one-laptop-0000"),
        min_length=32,
        description="Seals the references in webhook URLs; the same for all replicas.",
    )
    caller_number: str = Field(
        default="+12025550199", pattern=r"^\+[1-9][0-9]{6,14}$", description="Number that calls come from, E.164."
    )
    policies_dir: Path = Field(default=Path("policies"), description="Directory of the rule pack.")
    policies_overlay: str = Field(
        default="", pattern=r"^([a-z][a-z0-9_-]*)?$", description="Overlay merged over the rule pack, e.g. `demo`."
    )
    calls_per_second: float = Field(
        default=1.0, gt=0, le=1000, description="Calls the account may place a second, over all replicas (Twilio: 1)."
    )
    ring_seconds: Seconds = Field(
        default=timedelta(seconds=25),
        ge=timedelta(seconds=5),
        le=timedelta(seconds=600),
        description="How long a phone rings; raised to what the called party's jurisdiction asks, in seconds.",
    )
    talk_seconds: Seconds = Field(
        default=timedelta(minutes=10), ge=timedelta(seconds=30), description="The longest call, in seconds."
    )
    status_grace_seconds: Seconds = Field(
        default=timedelta(seconds=30),
        gt=timedelta(0),
        description="How long after ringing must be over a missing status is asked for, in seconds.",
    )
    status_check_seconds: Seconds = Field(
        default=timedelta(seconds=60),
        gt=timedelta(0),
        description="How long an answered call may be silent before its status is asked for, in seconds.",
    )
    detect_machines: bool = Field(default=True, description="Ask the provider whether a machine answered.")
