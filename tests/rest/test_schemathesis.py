"""Thousands of made-up requests, single and in sequences, against the interface's own description."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from payments.models import Order
from tests.factories import make_merchant_with_key

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
# A description cannot say which return URLs a merchant registered or which order ids are taken, so what fits it may
# still be refused; that a refusal is a proper one is checked all the same.
LEFT_OUT = "positive_data_acceptance"


SINGLE = ["--phases", "examples,coverage,fuzzing", "--max-examples", "15"]
# Whose sessions and payments are unknown leads nowhere, and sequences that begin there crowd out all others.
SEQUENCES = [
    "--phases", "stateful", "--max-examples", "30",
    "--exclude-operation-id", "payOrder", "--exclude-operation-id", "authenticatePayment",
]  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(live_server, settings, tmp_path, monkeypatch):
    """Run schemathesis with some options, and give what it printed; no limit of calls a minute stands in its way."""
    settings.API_RATE_PER_MINUTE = 1_000_000
    monkeypatch.setattr("checkout.rest.sessions.CALLS_PER_MINUTE", 1_000_000)
    monkeypatch.setattr("checkout.rest.sessions.WRONG_PER_MINUTE", 1_000_000)
    _, client_id, client_secret = make_merchant_with_key()
    keys = ["--header", f"x-client-id: {client_id}", "--header", f"x-client-secret: {client_secret}"]
    always = ["--checks", "all", "--exclude-checks", LEFT_OUT, "--seed", "7", "--no-color"]

    def printed(options):
        done = subprocess.run(
            [SCHEMATHESIS, "run", f"{live_server.url}/pg/openapi.json", "--url", live_server.url, *keys, *always,
             *options],
            capture_output=True, text=True, timeout=540, cwd=tmp_path, check=False,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.rest.plausible", "PYTHONPATH": str(settings.BASE_DIR)},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
        return done.stdout

    return printed


def test_no_made_up_request_finds_a_fault(run):
    run(SINGLE)
    assert Order.objects.count() > 10  # it came past what refuses bodies


def test_no_made_up_sequence_finds_a_fault(run):
    printed = run(SEQUENCES)
    covered = re.search(r"API Links:\s+(\d+) covered", printed)
    assert covered, printed
    assert int(covered[1]) > 0
