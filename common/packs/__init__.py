"""Rule packs: dated, versioned decisions as data, for pure decide functions. No I/O after loading, no clock.

    pack = load_packs(Path("policies"))               # or load_packs(Path("policies"), "demo"): overlay on top
    pack.version                                      # "1.0.0+3f9a0c12d4e5" for DecisionRecord.pack_version

    variables = condition_variables(fact.data, profile)   # {"event": {...}, "profile": {...}}, once per fact
    for rule in pack.journeys_for(fact.type):         # JourneyRule: id, template, purpose, channel, send,
        rule.applies(variables)                       #   expires_after, asked_by_customer, merge_key, source ...
        rule.merge_value(data)                        # same value = one message
        rule.closed_by(opening_data, closing_type, closing_data)
    for rule in pack.scenarios_for(fact.type):        # ScenarioRule: id "N2", first_call_after, first_call_within,
        rule.applies(variables)                       #   attempts.per_day/in_all, owner_queue, hand_over, flow ...
        rule.deadline_at(data, opened_at, zone)       # end of the grace period, UTC
        rule.after_call(outcome, meaning)             # AfterCall: redial_after | result | escalate
        rule.closed_by(opening_data, closing_type, closing_data)   # then close with rule.closing_result

    profile = pack.compliance("CN", on_date)          # ComplianceProfile in force on the customer's local date
    hours = profile.hours(Purpose.SERVICE, ContactChannel.SMS, asked=rule.asked_by_customer)   # AllowedHours
    next_allowed(hours, ZoneInfo("Asia/Shanghai"), now)       # now, or the first allowed moment after it
    is_allowed(hours, zone, now); closes_at(hours, zone, now) # closes_at is None when every moment is allowed
    profile.hours_rule(purpose, channel).id           # rule id for the decision's record
    profile.caps(purpose, channel)                    # Cap: id, limit, within, counted, scope
    profile.dialing_rule(channel)                     # min_ring, min_redial, connect_within, abandonment_limit ...
    profile.is_opt_out("stop")                        # incoming text

    pack.reason("51", "en")                           # bank code in plain words
    pack.render_sms(template_id, language, jurisdiction, {**data, "name": profile.name}, on_date=local_date)
                                                      # RenderedText: text, language, template_id, template_version,
                                                      #   encoding, segments
    pack.flow("payment_failed", "zh-CN", {})          # FlowScript: greeting, menu, keys, goodbye, voice ...

`data` is the fact's content as a mapping: `model_dump()`, or the same read back from JSON. Every lookup refuses with
`InvalidEvent` (dead letter: replay after a corrected pack), loading with `InvalidPack` (all problems at once).
"""

from common.packs.compliance import Cap, CapScope, ComplianceProfile, Counted, Dialing, HoursRecord, OptOut
from common.packs.conditions import Condition, condition_variables
from common.packs.flows import AfterKey, FlowScript, ScriptKey
from common.packs.journeys import Audience, ClosingFact, JourneyRule
from common.packs.loading import build_pack, load_packs
from common.packs.pack import Pack, RenderedText
from common.packs.problems import InvalidPack, PackProblem
from common.packs.records import Basis, ContactChannel, Source
from common.packs.scenarios import AfterCall, LadderStep, Mode, ScenarioRule
from common.packs.segments import Encoding, SegmentCount, count_segments
from common.packs.send_windows import ALWAYS, AllowedHours, closes_at, is_allowed, next_allowed

__all__ = [
    "ALWAYS",
    "AfterCall",
    "AfterKey",
    "AllowedHours",
    "Audience",
    "Basis",
    "Cap",
    "CapScope",
    "ClosingFact",
    "ComplianceProfile",
    "Condition",
    "ContactChannel",
    "Counted",
    "Dialing",
    "Encoding",
    "FlowScript",
    "HoursRecord",
    "InvalidPack",
    "JourneyRule",
    "LadderStep",
    "Mode",
    "OptOut",
    "Pack",
    "PackProblem",
    "RenderedText",
    "ScenarioRule",
    "ScriptKey",
    "SegmentCount",
    "Source",
    "build_pack",
    "closes_at",
    "condition_variables",
    "count_segments",
    "is_allowed",
    "load_packs",
    "next_allowed",
]
