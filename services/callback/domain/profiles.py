"""The customer's profile as this service keeps it, and as conditions see it."""

from collections.abc import Mapping
from dataclasses import asdict

from common.events.profiles import CustomerProfile
from services.callback.domain.state import Consent, Number, Preferences, Profile


def profile_of(profile: CustomerProfile) -> Profile:
    """Everything but the name."""
    return Profile(
        phone_numbers=tuple(Number(number.phone_number, number.kind) for number in profile.phone_numbers),
        language=profile.language,
        time_zone=profile.time_zone,
        region=profile.region,
        jurisdiction=profile.jurisdiction,
        dialect=profile.dialect,
        birth_date=profile.birth_date,
        consent={purpose: Consent(said.granted, said.at, said.proof) for purpose, said in profile.consent.items()},
        preferences=Preferences(
            profile.preferences.channel,
            profile.preferences.reminder_days_ahead,
            profile.preferences.reminder_time,
        ),
        agent_of_record=profile.agent_of_record,
    )


def profile_variables(profile: Profile) -> Mapping[str, object]:
    """What a condition may ask of `profile`."""
    return asdict(profile)
