"""Facts that the insurer's systems publish on `policy-events.v1`."""

from common.events.upstream.premium import PremiumPaymentFailed, PremiumPaymentSucceeded, PremiumRenewalDue

__all__ = ["PremiumPaymentFailed", "PremiumPaymentSucceeded", "PremiumRenewalDue"]
