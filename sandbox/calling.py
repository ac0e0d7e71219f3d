"""Accepts calls, dials them, and lets applications and persons change them while they last."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.book import Book
from sandbox.carrier import Carrier
from sandbox.customers import ORDINARY, Customer, Customers, Pickup, nth
from sandbox.line import Document, Line
from sandbox.progress import Progress
from sandbox.records import CALL_ENDS, Call, CallStatus, new_sid
from sandbox.twiml import Dial
from sandbox.webhooks import Webhooks

AGENT = Customer(about="an agent behind a client, sip, queue or conference: answers and talks", voice=ORDINARY.voice)


@dataclass(frozen=True)
class CallOrder:
    """A creation that passed all checks; `params` are the form's fields as they came."""

    to: str
    from_: str
    params: dict[str, str]
    events: tuple[str, ...] = ("completed",)


class Calling:
    """Accepts calls and keeps the lines that are open.

    Args:
        carrier: where calls are kept.
        customers: who is called.
        book: where everything is noted first.
        webhooks: tells and asks applications.
        speed: how many times faster than life.
    """

    def __init__(self, *, carrier: Carrier, customers: Customers, book: Book, webhooks: Webhooks, speed: float) -> None:
        self._carrier = carrier
        self._customers = customers
        self._book = book
        self._progress = Progress(book=book, webhooks=webhooks)
        self._speed = speed
        self._lines: dict[str, Line] = {}

    @property
    def under_way(self) -> int:
        """How many calls, other legs included, are not over."""
        return len(self._lines)

    def accept(self, order: CallOrder, *, lied: bool) -> Call:
        """Notes the call in the book and dials at once.

        Args:
            order: what was asked.
            lied: the asker will not get the answer; only noted.
        """
        call = self._new_call(order, parent=None)
        who = self._customers.who(call.to)
        self._write("call", call, who, lied=lied)
        self._carrier.calls.add(call)
        self._carrier.count_call(call)
        self._open_line(call, who)
        return call

    def hang_up(self, call: Call, unanswered: CallStatus = CallStatus.CANCELED) -> None:
        """Ends the call; nothing happens when it is over."""
        if (line := self.line(call.sid)) is not None:
            line.hang_up(unanswered)

    def redirect(self, call: Call, document: Document) -> None:
        """Gives a call in progress another document."""
        if (line := self.line(call.sid)) is not None:
            line.redirect(document)

    def line(self, sid: str) -> Line | None:
        """The line of a call that is not over."""
        line = self._lines.get(sid)
        return None if line is None or line.call.status in CALL_ENDS else line

    def lines_to(self, number: str) -> list[Line]:
        """The open lines of a phone, the oldest first."""
        return [line for line in self._lines.values() if line.call.to == number and line.call.status not in CALL_ENDS]

    def resume(self) -> None:
        """After a restart: dials what did not talk yet, ends what did, and tells again ends that were not told."""
        for call in tuple(self._carrier.calls):
            if call.status is CallStatus.IN_PROGRESS or (call.parent_call_sid and call.status not in CALL_ENDS):
                self._progress.become(call, CallStatus.COMPLETED)
            elif call.status not in CALL_ENDS:
                self._open_line(call, self._customers.who(call.to))
            elif call.reported != "completed":
                self._progress.tell(call, "completed")

    def close(self) -> None:
        """Stops all lines as they are; a restart takes them up again."""
        for line in tuple(self._lines.values()):
            line.abandon()

    def _open_line(self, call: Call, who: Customer) -> Line:
        line = Line(
            call=call,
            behaviour=nth(who.voice, self._carrier.calls.earlier(call)),
            progress=self._progress,
            speed=self._speed,
            connect=self._connect,
        )
        self._lines[call.sid] = line
        line.start().add_done_callback(lambda _: self._lines.pop(call.sid, None))
        return line

    def _connect(self, parent: Call, dial: Dial) -> Line:
        params = {"Timeout": str(dial.timeout_seconds)}
        order = CallOrder(to=dial.target, from_=dial.caller_id or parent.from_, params=params)
        call = self._new_call(order, parent=parent.sid)
        who = self._customers.who(call.to) if dial.noun == "number" else AGENT
        self._write("leg", call, who, lied=False)
        self._carrier.calls.add(call)
        return self._open_line(call, who)

    def _new_call(self, order: CallOrder, parent: str | None) -> Call:
        return Call(
            sid=new_sid("CA"),
            account_sid=self._carrier.account_sid,
            to=order.to,
            from_=order.from_,
            created=datetime.now(UTC),
            direction="outbound-dial" if parent else "outbound-api",
            parent_call_sid=parent,
            params=order.params,
            events=order.events,
        )

    def _write(self, kind: str, call: Call, who: Customer, *, lied: bool) -> None:
        call.created = self._book.write(
            kind,
            sid=call.sid,
            to=call.to,
            **{"from": call.from_},
            url=call.params.get("Url"),
            params=call.params,
            events=call.events,
            parent_call_sid=call.parent_call_sid,
            manual=nth(who.voice, self._carrier.calls.count_to(call.to)).pickup is Pickup.MANUAL,
            lied=lied,
        )
