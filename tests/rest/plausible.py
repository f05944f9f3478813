"""What a description cannot say: values that fit it are made values that a merchant would send.

Only what fits the description is touched, so that a request that should be refused stays one.
"""

import re
import uuid

import schemathesis

KEY = "x-idempotency-key"


def _is_text(value, at_most):
    return isinstance(value, str) and len(value) <= at_most


@schemathesis.hook
def before_call(context, case, kwargs):
    """Just before a request is sent, in every phase: the one that tries each bound asks no other hook."""
    if case.headers and re.fullmatch(r"[!-~]{1,255}", str(case.headers.get(KEY, ""))):
        # Made-up keys are short and alike: nearly every write would be refused as another one's repetition.
        case.headers[KEY] = str(uuid.uuid4())
    if case.operation.definition.raw["operationId"] == "createOrder" and isinstance(case.body, dict):
        _order(case.body)


def _order(body):
    amount = body.get("order_amount")
    if isinstance(amount, int | float) and not isinstance(amount, bool) and 0 < amount <= 10**12:
        body["order_amount"] = round(min(max(amount, 1), 1_000_000), 2)
    if isinstance(body.get("order_currency"), str):
        body["order_currency"] = "INR"
    for name, at_most in (("order_id", 10**6), ("order_expiry_time", 10**6), ("order_note", 200)):
        if _is_text(body.get(name), at_most):
            del body[name]
    tags = body.get("order_tags")
    if isinstance(tags, dict) and all(isinstance(value, str) for value in tags.values()):
        del body["order_tags"]
    customer, meta = body.get("customer_details"), body.get("order_meta")
    if isinstance(customer, dict):
        _replace(customer, customer_phone=("9999999999", 30), customer_email=("asha@example.com", 100))
        _replace(customer, customer_name=("Asha Rao", 100))
    if isinstance(meta, dict):
        _meta(meta)


def _meta(meta):
    _replace(meta, payment_methods=("card,upi", 10**6))
    words = meta.get("payment_methods")
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        meta["payment_methods"] = ["card"]
    for name in ("return_url", "notify_url"):
        if _is_text(meta.get(name), 250):
            del meta[name]


def _replace(found, **by):
    for name, (value, at_most) in by.items():
        if _is_text(found.get(name), at_most):
            found[name] = value
