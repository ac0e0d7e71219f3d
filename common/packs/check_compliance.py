"""Checks of dated compliance records: something is in force for every purpose and channel, and only one thing."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

from common.events.vocabulary import Purpose
from common.packs.compliance import ComplianceFile
from common.packs.problems import PackProblem, Place
from common.packs.records import ContactChannel, Dated

VOICE_CHANNELS = (ContactChannel.VOICE_BOT, ContactChannel.VOICE_HUMAN)


def check_compliance(profile: ComplianceFile, place: Place) -> Iterator[PackProblem]:
    """Hours, dialing rules, opt-out words and wording that leave a gap, overlap, or end without a successor."""
    for purpose in Purpose:
        for channel in ContactChannel:
            hours = [record for record in profile.hours if record.covers(purpose, channel)]
            yield from _check_dates(hours, place.at("hours"), f"{purpose} by {channel}")
    for channel in VOICE_CHANNELS:
        dialing = [record for record in profile.dialing if channel in record.channels]
        yield from _check_dates(dialing, place.at("dialing"), channel)
    yield from _check_dates(profile.opt_out, place.at("opt_out"), "opt-out words")
    yield from _check_dates(profile.wording, place.at("wording"), "wording")


def _check_dates(records: Sequence[Dated], place: Place, what: str) -> Iterator[PackProblem]:
    ordered = sorted(records, key=lambda record: record.effective_from)
    if not ordered:
        yield place.problem(f"nothing is said for {what}.", "Add a record that covers it.")
    for record in ordered:
        if record.effective_to is not None and record.effective_to < record.effective_from:
            yield place.at(record.id).problem("ends before it begins.", "Correct effective_to.")
    for former, later in pairwise(ordered):
        yield from _check_succession(former, later, place.at(later.id), what)
    if ordered and ordered[-1].effective_to is not None:
        remedy = "Add a record from the day after, or leave effective_to out."
        yield place.at(ordered[-1].id).problem(
            f"nothing is in force for {what} after {ordered[-1].effective_to}.", remedy
        )


def _check_succession(former: Dated, later: Dated, place: Place, what: str) -> Iterator[PackProblem]:
    end = former.effective_to or date.max
    if later.effective_from <= end:
        reason = f"overlaps {former.id} for {what}."
        yield place.problem(reason, f"Let {former.id} end the day before {later.effective_from}.")
    elif later.effective_from - end > timedelta(days=1):
        reason = f"leaves a gap after {former.id} for {what}."
        yield place.problem(reason, f"Begin on {end + timedelta(days=1)}.")
