"""A dialer in memory for tests and simulations, held to the same contract as the real one."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from common.errors import AppError, PermanentError
from common.events.vocabulary import CallOutcome
from services.callback.domain.effects import PlaceCallOrder, PlacedCall
from services.callback.domain.state import CallRequest


def _takes_all(_order: PlaceCallOrder) -> PermanentError | None:
    return None


@dataclass
class MemoryDialer:
    """`Dialer` on a dictionary. What happens to a call is told by `dial` and `end`.

    Attributes:
        refuses: says why an order is refused; None takes it.
        book: every order in the sequence it was first taken; what a test counts calls in.
        cancelled: order id → reason of its first cancellation.
        failures: how the next requests end, and whether they take effect before.
    """

    refuses: Callable[[PlaceCallOrder], PermanentError | None] = _takes_all
    book: list[PlaceCallOrder] = field(default_factory=list)
    cancelled: dict[str, str] = field(default_factory=dict)
    _calls: dict[tuple[str, str], PlacedCall] = field(default_factory=dict)
    _requests: dict[tuple[str, str], CallRequest] = field(default_factory=dict)
    _dialled: set[tuple[str, str]] = field(default_factory=set)
    failures: list[tuple[AppError, bool]] = field(default_factory=list)

    async def place_call(self, order: PlaceCallOrder) -> PlacedCall:
        """See `Dialer`."""
        processed = self._fails()
        key = (order.customer_id, order.order_id)
        known = self._calls.get(key)
        if known is None:
            refusal = self.refuses(order)
            if refusal:
                raise refusal
            self.book.append(order)
            self._requests[key] = order.request
            known = self._calls[key] = PlacedCall(order.order_id, call_id=f"c-{order.order_id}")
        elif self._requests.get(key, order.request) != order.request:
            raise PermanentError("order_key_reused")
        _raise(processed)
        return known

    async def cancel_call(self, customer_id: str, order_id: str, reason_code: str) -> PlacedCall:
        """See `Dialer`."""
        processed = self._fails()
        self.cancelled.setdefault(order_id, reason_code)
        key = (customer_id, order_id)
        known = self._calls.get(key) or PlacedCall(order_id, call_id=f"c-{order_id}")
        if known.outcome is None:
            dialled = key in self._dialled
            known = replace(known, triggers=False) if dialled else replace(known, outcome=CallOutcome.CANCELLED)
        self._calls[key] = known
        _raise(processed)
        return known

    async def get_call(self, customer_id: str, order_id: str) -> PlacedCall | None:
        """See `Dialer`."""
        _raise(self._fails())
        return self._calls.get((customer_id, order_id))

    def fail_next(self, error: AppError, *, processed: bool = False) -> None:
        """The next request ends with this error, before or after it took effect."""
        self.failures.append((error, processed))

    def recover(self) -> None:
        """Takes back all planned failures and refusals."""
        self.failures.clear()
        self.refuses = _takes_all

    def forget(self) -> None:
        """Loses all calls, as a dialer that keeps them only for some time does."""
        self._calls.clear()

    def open_calls(self, customer_id: str) -> list[PlacedCall]:
        """The customer's calls that have not ended, as an onlooker sees them."""
        return [call for (owner, _), call in self._calls.items() if owner == customer_id and call.outcome is None]

    def dial(self, customer_id: str, order_id: str) -> bool:
        """The call leaves, so that it can only be waited for; False if it was cancelled or is over."""
        call = self._calls[customer_id, order_id]
        if call.outcome is None:
            self._dialled.add((customer_id, order_id))
        return call.outcome is None

    def end(self, customer_id: str, order_id: str, outcome: CallOutcome, choice: str | None = None) -> PlacedCall:
        """The call ends; one that ended before stays as it is."""
        key = (customer_id, order_id)
        if self._calls[key].outcome is None:
            answered = outcome is CallOutcome.COMPLETED
            self._calls[key] = replace(self._calls[key], outcome=outcome, answered=answered, choice=choice)
        return self._calls[key]

    def _fails(self) -> AppError | None:
        """Raises the planned failure, or returns it when the request shall take effect first."""
        if not self.failures:
            return None
        error, processed = self.failures.pop(0)
        if not processed:
            raise error
        return error


def _raise(error: AppError | None) -> None:
    if error:
        raise error
