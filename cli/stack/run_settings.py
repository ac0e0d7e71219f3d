"""Settings of `nineconnect run`: where its ports begin, what it starts itself and what is there already."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class RunSettings(BaseSettings):
    """What `nineconnect run` can be told; the services read their own settings."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, validate_by_name=True, validate_by_alias=True
    )

    port_base: int = Field(
        default=19000,
        ge=1024,
        le=65000,
        validation_alias="PORT_BASE",
        description="First port of the local stack; another one gives a second stack with data of its own.",
    )
    samples: int = Field(
        default=5,
        ge=0,
        le=100_000,
        validation_alias="SAMPLES",
        description="Sample customers that `make run` invents and publishes facts about; 0 publishes nothing.",
    )
    run_directory: Path = Field(
        default=Path(".run"),
        validation_alias="RUN_DIRECTORY",
        description="Folder of local stacks (data, logs, secrets), one in it per PORT_BASE; relative to the checkout.",
    )
    kafka_bootstrap_servers: str | None = Field(
        default=None,
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="A Kafka that runs already; unset, `make run` starts one.",
    )
    redis_url: str | None = Field(
        default=None,
        repr=False,  # may hold a password
        validation_alias="REDIS_URL",
        description="A Redis that runs already; unset, `make run` starts one.",
    )
    twilio_base_url: str | None = Field(
        default=None,
        validation_alias="TWILIO_BASE_URL",
        description="Twilio's API, or a sandbox that runs already; unset, `make run` starts the carrier sandbox.",
    )
    twilio_account_sid: str | None = Field(
        default=None, validation_alias="TWILIO_ACCOUNT_SID", description="Account, needed with TWILIO_BASE_URL."
    )
    twilio_auth_token: SecretStr | None = Field(
        default=None, validation_alias="TWILIO_AUTH_TOKEN", description="Secret, needed with TWILIO_BASE_URL."
    )

    @model_validator(mode="after")
    def _account_of_a_real_carrier(self) -> Self:
        if self.twilio_base_url and not (self.twilio_account_sid and self.twilio_auth_token):
            raise ValueError("TWILIO_BASE_URL needs TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN beside it")
        return self
