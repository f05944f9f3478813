"""The official SDKs, unmodified, walk through a merchant's day on a live server: what they raise, they should."""

import json
import os
import subprocess

import pytest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PYTHON, NODE = "python", "node"
RAISED = {
    PYTHON: {400: "BadRequestException", 401: "UnauthorizedException", 404: "NotFoundException"},
    NODE: {},
}
OTHERWISE = {PYTHON: "ApiException", NODE: "AxiosError"}
FORGED = {PYTHON: "Exception", NODE: "Error"}
REFUSALS = {
    "too much": (400, "refund_not_possible", "invalid_request_error"),
    "pay terminated": (400, "order_inactive", "invalid_request_error"),
    "no settlement": (404, "settlement_not_found", "invalid_request_error"),
    "bad currency": (400, "order_currency_invalid", "invalid_request_error"),
    "unknown": (404, "order_not_found", "invalid_request_error"),
    "taken": (409, "order_already_exists", "invalid_request_error"),
    "key used": (422, "request_invalid", "idempotency_error"),
    "wrong secret": (401, "request_failed", "authentication_error"),
}
SETTLED = {"types": ["PAYMENT", "REFUND"], "amounts": [299.99, 100]}
ANSWERS = {
    "create": {"status": "ACTIVE", "amount": 299.99, "tags": {"name": "Asha"}},
    "fetch": {"same": True},
    "pay card": {"action": "post", "channel": "post", "method": "card", "amount": 299.99},
    "wrong code": {"status": "FAILED", "same": True},
    "pay netbanking": {"action": "link", "channel": "link", "method": "netbanking"},
    "pay app": {"action": "link", "channel": "link", "method": "app"},
    "pay upi code": {"action": "custom", "channel": "qrcode", "method": "upi"},
    "pay upi": {"action": "custom", "channel": "collect", "method": "upi"},
    "simulate": {"same": True, "status": "SUCCESS"},
    "paid": {"status": "PAID"},
    "payments": {
        "statuses": ["SUCCESS", *["CANCELLED"] * 4],
        "groups": ["upi", "upi", "wallet", "net_banking", "credit_card"],
    },
    "payment": {"status": "SUCCESS", "captured": True, "upi": "pending@sim"},
    "refund": {"status": "PENDING", "amount": 100, "processed": None},
    "refunds": {"ids": ["refund_1"], "same": True},
    "terminate": {"status": "TERMINATED"},
    "failed": {"status": "FAILED", "reason": "payment_declined", "order": "ACTIVE"},
    "paid at once": {"action": "link", "order": "PAID"},
    "capture": {
        "status": "SUCCESS",
        "captured": True,
        "amount": 100,
        "action": "CAPTURE",
        "action_status": "SUCCESS",
    },
    "void": {"status": "VOID", "captured": False, "amount": 299.99, "action": "VOID", "action_status": "SUCCESS"},
    "settlement": {"amount": 299.99, "fee": 0, "utr": "HDFC0001", "same": True},
    "settlements": {"status": "SUCCESS", "amount": 199.99, "utr": "HDFC0001"},
    "settlement recon": {**SETTLED, "utr": "HDFC0001", "refund": "One page was torn"},
    "recon": SETTLED,
    "webhook": {"type": "PAYMENT_SUCCESS_WEBHOOK", "order": True},
    "same key": {"same": True},
}


def refusals(language):
    """What each refusal is to the SDK of a language."""
    return {
        step: {
            "raised": RAISED[language].get(status, OTHERWISE[language]),
            "status": status,
            "code": code,
            "type": kind,
        }
        for step, (status, code, kind) in REFUSALS.items()
    }


def walk(command, told):
    """The steps a script went, by name."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        command, input=json.dumps(told), capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    return {step.pop("step"): step for step in steps}


@pytest.mark.parametrize("version", ["6.0.1", "5.0.6", "4.5.1"])
def test_the_python_sdk(python_sdk, told, version):
    steps = walk(python_sdk(version), told)
    assert steps.pop("forged") == {"raised": FORGED[PYTHON]}
    assert steps == ANSWERS | refusals(PYTHON)


def test_the_node_sdk(node_sdk, told):
    steps = walk(node_sdk, told)
    assert steps.pop("forged") == {"raised": FORGED[NODE]}
    assert steps == ANSWERS | refusals(NODE)
