"""Facts that the insurer's systems publish on `policy-events.v1`."""

from common.events.upstream.benefit import (
    BenefitPayoutDue,
)
from common.events.upstream.claim import (
    ClaimDocumentsMissing,
    ClaimDocumentsReceived,
    ClaimPaid,
    ClaimReported,
    ClaimStageChanged,
)
from common.events.upstream.complaint import (
    ComplaintDecided,
    ComplaintMaterialsComplete,
    ComplaintMaterialsMissing,
    ComplaintReceived,
)
from common.events.upstream.customer import (
    CustomerMilestone,
)
from common.events.upstream.emergency import (
    EmergencyDeclared,
    EmergencyLifted,
)
from common.events.upstream.hotline import (
    HotlineBotUnresolved,
    HotlineCallAbandoned,
    HotlineTransferFailed,
)
from common.events.upstream.journey import (
    JourneyOperationAbandoned,
    JourneyOperationCompleted,
    JourneyOperationFailed,
    JourneyOperationOverLimit,
)
from common.events.upstream.policy import (
    PolicyChanged,
    PolicyIssued,
    PolicyLapsed,
    PolicyOrphaned,
    PolicyReinstated,
    PolicyReissued,
    PolicySurrendered,
)
from common.events.upstream.premium import (
    PremiumPaymentFailed,
    PremiumPaymentSucceeded,
    PremiumRenewalDue,
)
from common.events.upstream.referral import (
    ReferralAnswered,
    ReferralCreated,
)

__all__ = [
    "BenefitPayoutDue",
    "ClaimDocumentsMissing",
    "ClaimDocumentsReceived",
    "ClaimPaid",
    "ClaimReported",
    "ClaimStageChanged",
    "ComplaintDecided",
    "ComplaintMaterialsComplete",
    "ComplaintMaterialsMissing",
    "ComplaintReceived",
    "CustomerMilestone",
    "EmergencyDeclared",
    "EmergencyLifted",
    "HotlineBotUnresolved",
    "HotlineCallAbandoned",
    "HotlineTransferFailed",
    "JourneyOperationAbandoned",
    "JourneyOperationCompleted",
    "JourneyOperationFailed",
    "JourneyOperationOverLimit",
    "PolicyChanged",
    "PolicyIssued",
    "PolicyLapsed",
    "PolicyOrphaned",
    "PolicyReinstated",
    "PolicyReissued",
    "PolicySurrendered",
    "PremiumPaymentFailed",
    "PremiumPaymentSucceeded",
    "PremiumRenewalDue",
    "ReferralAnswered",
    "ReferralCreated",
]
