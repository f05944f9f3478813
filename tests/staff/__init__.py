"""The staff's pages, through the admin's front door."""

ADMIN = "/admin/payments"

READ_ONLY = (
    "customer", "order", "payment", "refund", "event", "gatewayevent", "gatewayaccount", "apikey", "endpoint",
    "delivery", "settlement", "payout",
)  # fmt: skip
"""Models whose pages have no form."""

MODELS = (*READ_ONLY, "merchant")
