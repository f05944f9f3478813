"""docs/simulator.md: its tables are what the code generates, and its example runs as it is printed."""

import re
import shutil
import subprocess
import time
from datetime import timedelta

import pytest

from checkout.simulator import docs
from payments.gateways.registry import TEST_FAULTS
from payments.gateways.simulator.inputs import INPUTS, REFUNDS
from payments.models import Order
from payments.states import PaymentStatus
from tests.factories import make_merchant_with_key
from tests.simulator.conftest import work


@pytest.fixture(scope="module")
def written():
    return docs.PAGE.read_text(encoding="utf-8")


def test_the_tables_are_up_to_date(written):
    assert docs.regenerated(written) == written, "the simulator's inputs changed: run `make docs`"


def test_the_head_is_kept():
    old = f"# Mine\n{docs.MARK}\nold tables"
    assert docs.regenerated(old).startswith(f"# Mine\n{docs.MARK}\n## Cards\n")
    assert "old tables" not in docs.regenerated(old)


def test_a_page_that_lost_its_mark_is_left_alone():
    with pytest.raises(ValueError, match="has lost the line"):
        docs.regenerated("# Mine\n")


def test_every_input_and_fault_has_a_row(written):
    rows = [line for line in written.splitlines() if line.startswith("| ")]
    refunds = [outcome for _, outcome in REFUNDS.values()]
    for text in [*(entry.outcome for entry in INPUTS), *TEST_FAULTS, *TEST_FAULTS.values(), *refunds]:
        assert any(text in row for row in rows), text
    assert len(rows) > len(INPUTS) + len(TEST_FAULTS)


def test_every_status_in_the_tables_has_its_verdict():
    courses = [*docs.COURSES.values(), *docs.FAULT_COURSES.values()]
    seen = {status for course in courses for status in (course.at_once, course.asked, course.over)}
    assert seen | {status for _, status in (*docs.ANSWERS, *docs.HOLDS)} == set(docs.VERDICTS) <= set(PaymentStatus)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the example needs curl")
@pytest.mark.django_db(transaction=True)
def test_the_example_runs_as_printed(written, live_server, settings, tmp_path, monkeypatch):
    settings.PUBLIC_URL = live_server.url
    monkeypatch.setattr("payments.services.payments.FIRST_INQUIRY", timedelta(seconds=1))
    _, client_id, client_secret = make_merchant_with_key()
    script = re.search(r"```sh\n(.*?)```", written, re.DOTALL)[1]
    environment = {"KEY": f"{client_id}:{client_secret}", "TILL": live_server.url, "PATH": "/usr/bin:/bin"}
    running = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        while running.poll() is None:
            work("inquire_payment")
            time.sleep(0.1)
        said = running.stdout.read()
    finally:
        running.kill()
        running.communicate()
    assert (running.returncode, said) == (0, "success\n")
    assert Order.objects.get().payments.get().inquiries == 1
