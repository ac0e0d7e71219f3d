"""Event type → model, and which types each topic carries."""

from collections.abc import Iterable, Mapping

from common.events import ledger, upstream
from common.events.model import Fact
from common.events.profiles import CustomerProfile
from common.events.topics import CUSTOMER_PROFILES, OUTREACH_EVENTS, POLICY_EVENTS


def _models(module: object, names: Iterable[str]) -> dict[str, type[Fact]]:
    models: dict[str, type[Fact]] = {}
    for name in names:
        model: type[Fact] = getattr(module, name)
        models[model.TYPE] = model
    return models


UPSTREAM_MODELS: Mapping[str, type[Fact]] = _models(upstream, upstream.__all__)
LEDGER_MODELS: Mapping[str, type[Fact]] = _models(ledger, ledger.__all__)
PROFILE_MODELS: Mapping[str, type[Fact]] = {CustomerProfile.TYPE: CustomerProfile}

MODELS_BY_TOPIC: Mapping[str, Mapping[str, type[Fact]]] = {
    POLICY_EVENTS.name: UPSTREAM_MODELS,
    CUSTOMER_PROFILES.name: PROFILE_MODELS,
    OUTREACH_EVENTS.name: LEDGER_MODELS,
}

MODELS: Mapping[str, type[Fact]] = {**UPSTREAM_MODELS, **PROFILE_MODELS, **LEDGER_MODELS}


def topic_of(event_type: str) -> str:
    """The topic that carries `event_type`; KeyError for a type that does not exist."""
    for topic, models in MODELS_BY_TOPIC.items():
        if event_type in models:
            return topic
    raise KeyError(event_type)
