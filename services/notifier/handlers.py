"""What the notifier can do: one function per fact or command, each load → decide → commit through the kernel."""

from collections.abc import Callable
from dataclasses import dataclass

from common.events.envelope import Envelope
from common.events.profiles import CustomerProfile, PhoneKind
from common.events.registry import LEDGER_MODELS
from common.events.topics import CUSTOMER_PROFILES, OUTREACH_EVENTS, POLICY_EVENTS
from common.kernel.decision import Decision, Effect, Moment
from common.kernel.document import AggregateType
from common.kernel.intake import Interest
from common.kernel.kernel import Behaviour, Cause, Kernel
from common.kernel.ports import CommitResult
from common.packs import Pack
from services.notifier.domain.effects import FetchSms, FindSms, MessageSeen, SendSms
from services.notifier.domain.facts import decide_erase, decide_fact, decide_profile
from services.notifier.domain.model import Fact, NotifierState, Profile, clocks
from services.notifier.domain.outcomes import decide_outcome, decide_receipt
from services.notifier.domain.rules import Rules
from services.notifier.domain.sending import decide_due
from services.notifier.ports import SmsGateway

NOTIFIER = AggregateType(service="notifier", state=NotifierState, schema=1, empty=NotifierState, clocks=clocks)

StatusUrl = Callable[[str, str], str]


def interests(pack: Pack) -> dict[str, Interest]:
    """What the pack's journeys make the notifier read of each topic."""
    types = {rule.on for rule in pack.journeys.values()}
    types |= {end.type for rule in pack.journeys.values() for end in rule.closing_facts}
    return {
        POLICY_EVENTS.name: Interest(frozenset(types - LEDGER_MODELS.keys())),
        CUSTOMER_PROFILES.name: Interest(frozenset({CustomerProfile.TYPE})),
        OUTREACH_EVENTS.name: Interest(frozenset(types & LEDGER_MODELS.keys()), peek=True),
    }


def behaviour(rules: Rules, gateway: SmsGateway, status_url: StatusUrl) -> Behaviour[NotifierState]:
    """The notifier's part of the kernel.

    Args:
        status_url: (customer id, attempt id) → where the provider reports the attempt's status.
    """

    def due(state: NotifierState, item_id: str, moment: Moment) -> Decision[NotifierState]:
        return decide_due(state, item_id, rules, moment)

    def outcome(state: NotifierState, effect: Effect, result: object, moment: Moment) -> Decision[NotifierState]:
        return decide_outcome(state, effect, result, rules, moment)

    async def perform(customer_id: str, effect: Effect) -> object:
        match effect:
            case SendSms():
                url = status_url(customer_id, effect.attempt_id)
                return await gateway.send(to=effect.to, text=effect.text, status_url=url)
            case FindSms():
                return await gateway.find(
                    to=effect.to, text=effect.text, since=effect.since, not_these=effect.not_these
                )
            case FetchSms():
                return await gateway.fetch(effect.provider_sid)
            case _:
                raise TypeError(f"no way to perform {type(effect).__name__}")

    return Behaviour(decide_due=due, decide_outcome=outcome, perform=perform)


@dataclass(frozen=True)
class Handlers:
    """The notifier's use cases."""

    kernel: Kernel[NotifierState]
    rules: Rules

    async def handle_event(self, envelope: Envelope, cause: Cause) -> CommitResult:
        """A fact from any topic.

        Raises:
            InvalidEvent: the rules cannot be applied to it.
            TransientError: store unavailable.
        """
        if envelope.data is None:
            return await self._handle(envelope, cause, lambda state, _: decide_erase(state, envelope.time, self.rules))
        if isinstance(envelope.data, CustomerProfile):
            profile = _profile(envelope.data, envelope)
            return await self._handle(
                envelope, cause, lambda state, moment: decide_profile(state, profile, self.rules, moment)
            )
        content = envelope.data.model_dump(mode="json")

        def decide(state: NotifierState, moment: Moment) -> Decision[NotifierState]:
            fact = Fact(envelope.type, content, cause.origin, envelope.time, moment.since, moment.in_doubt)
            return decide_fact(state, fact, self.rules, moment)

        return await self._handle(envelope, cause, decide)

    async def receive_status(self, customer_id: str, attempt_id: str, seen: MessageSeen) -> None:
        """A status webhook of one attempt.

        Raises:
            TransientError: store unavailable; the provider may call again, and the receipt is asked for anyway.
        """
        notification_id = attempt_id.partition("/")[0]
        await self.kernel.handle(
            customer_id,
            lambda state, moment: decide_receipt(state, notification_id, attempt_id, seen, self.rules, moment),
        )

    async def _handle(
        self, envelope: Envelope, cause: Cause, decide: Callable[[NotifierState, Moment], Decision[NotifierState]]
    ) -> CommitResult:
        return (await self.kernel.handle(envelope.customer_id, decide, cause)).result


def _profile(told: CustomerProfile, envelope: Envelope) -> Profile:
    mobiles = [number.phone_number for number in told.phone_numbers if number.kind is PhoneKind.MOBILE]
    return Profile(
        name=told.name,
        phone_number=mobiles[0] if mobiles else None,
        language=told.language,
        time_zone=told.time_zone,
        jurisdiction=told.jurisdiction,
        region=told.region,
        told_at=envelope.time,
        consent={purpose.value: consent.granted for purpose, consent in told.consent.items()},
    )
