"""The callback service's outbound port: whoever places its calls."""

from typing import Protocol

from services.callback.domain.effects import PlaceCallOrder, PlacedCall


class Dialer(Protocol):
    """Places one customer's calls, exactly once per order id.

    Every method may be repeated with the same arguments at any time; an order id names one order for ever. All take at
    most their deadline and raise:
        TransientError: certainly not processed now; try again after `retry_after`.
        OutcomeUnknown: nobody can say whether it was processed (no answer in time, connection lost); repeat it.
        PermanentError: refused; repeating it cannot help.
    """

    async def place_call(self, order: PlaceCallOrder) -> PlacedCall:
        """Queues the call between `earliest` and `latest`; the same order again returns the same call.

        Raises:
            PermanentError: `order_key_reused` (the id belongs to another request), `order_invalid` (names the fields in
                its context), or the code of the rule that forbids it, such as `opted_out`.
        """

    async def cancel_call(self, customer_id: str, order_id: str, reason_code: str) -> PlacedCall:
        """Keeps the call from being dialled; an unknown order is remembered as cancelled, so that it never is.

        Returns:
            The call: ended as `cancelled`, ended before with its own outcome, or without outcome when it is in
            progress and can only be waited for.
        """

    async def get_call(self, customer_id: str, order_id: str) -> PlacedCall | None:
        """The call as it is now; None if there is no such order, or it is no longer kept."""
