"""What the notifier is told by its environment."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from common.settings import Seconds, TwilioSettings


class NotifierSettings(TwilioSettings):
    """Variables with the prefix `NOTIFIER_`, besides those every service shares."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")

    http_port: int = Field(default=19081, ge=1, le=65535, description="Port of status webhooks, health and metrics.")
    public_url: str = Field(
        default="http://127.0.0.1:19081",
        pattern=r"^https?://[^/]+$",
        description="Scheme and host under which the provider reaches the HTTP port; part of what it signs.",
    )
    webhook_key: SecretStr = Field(
        default=SecretStr("not-a-secret-only-for-one-laptop-0000"),
        min_length=32,
        description="Seals the references in status webhook URLs; the same for all replicas.",
    )
    sender_number: str = Field(
        default="+12025550199", pattern=r"^\+[1-9][0-9]{6,14}$", description="Number that messages come from, E.164."
    )
    policies_dir: Path = Field(default=Path("policies"), description="Directory of the rule pack.")
    policies_overlay: str = Field(
        default="", pattern=r"^([a-z][a-z0-9_-]*)?$", description="Overlay merged over the rule pack, e.g. `demo`."
    )
    receipt_check_seconds: Seconds = Field(
        default=timedelta(minutes=10),
        gt=timedelta(0),
        description="How long after acceptance a missing receipt is first asked for, in seconds.",
    )
