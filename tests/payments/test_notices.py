"""Staff are told by mail of an endpoint that was switched off by itself."""

from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail

from payments import clock
from payments.jobs import run_job
from payments.models import Endpoint
from payments.selectors import due_jobs

pytestmark = pytest.mark.django_db
STAFF = ["desk@example.com", "ops@example.com"]


@pytest.fixture(autouse=True)
def _staff(settings):
    settings.STAFF_NOTICE_EMAILS = STAFF
    settings.PUBLIC_URL = "https://pay.example.com"
    settings.DEFAULT_FROM_EMAIL = "till@pay.example.com"


@pytest.fixture
def endpoint(merchant):
    at = clock.now()
    return Endpoint.objects.create(
        uid="ep_1", merchant=merchant, mode="test", url="https://shop.example.com/hooks/k3y", made_at=at,
        failing_since=at - timedelta(days=5), disabled_at=at, notice_due_at=at,
        disabled_reason="Nothing but failures for five days.",
    )  # fmt: skip


def _tell():
    """Run the notices that are due, as the worker would; how many that were."""
    jobs = [job for job in due_jobs(at=clock.now()) if job[0] == "endpoint_notice"]
    for job in jobs:
        run_job(*job, at=clock.now())
    return len(jobs)


def test_staff_are_told_once_what_why_and_since_when(endpoint):
    assert _tell() == 1
    told = mail.outbox[0]
    assert (told.to, told.from_email) == (STAFF, "till@pay.example.com")
    assert told.subject == "Till: webhooks to shop.example.com are switched off"
    for words in (
        f"{endpoint.merchant.name} (org_id {endpoint.merchant.pk}, test)",
        "Why: Nothing but failures for five days.",
        f"Failing since: {endpoint.failing_since:%Y-%m-%d %H:%M} UTC",
        f"Switched off: {endpoint.disabled_at:%Y-%m-%d %H:%M} UTC",
        "https://pay.example.com/admin/",
    ):
        assert words in told.body
    assert "k3y" not in told.body + told.subject
    assert (_tell(), len(mail.outbox)) == (0, 1)
    assert Endpoint.objects.get().notice_due_at is None


def test_an_endpoint_switched_off_by_410_need_not_have_failed_before(endpoint):
    Endpoint.objects.update(failing_since=None)
    _tell()
    assert "Failing since: not known" in mail.outbox[0].body


@pytest.mark.parametrize("fault", [SMTPServerDisconnected("bye"), ConnectionRefusedError(), TimeoutError()])
def test_a_mail_server_that_is_down_is_tried_again_after_a_pause(endpoint, monkeypatch, caplog, fault):
    def down(*_):
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", down)
        assert _tell() == 1
    assert "was not taken" in caplog.text
    assert _tell() == 0
    with clock.shifted(timedelta(minutes=11)):
        assert _tell() == 1
    assert len(mail.outbox) == 1
    assert Endpoint.objects.get().notice_due_at is None


def test_a_worker_that_dies_while_it_tells_leaves_it_to_the_next(endpoint, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("payments.services.notices.EmailMessage", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            _tell()
    with clock.shifted(timedelta(minutes=11)):
        assert _tell() == 1
    assert len(mail.outbox) == 1


def test_of_two_workers_one_tells(endpoint):
    job = next(job for job in due_jobs(at=clock.now()) if job[0] == "endpoint_notice")
    assert [run_job(*job, at=clock.now()) for _ in range(2)] == [True, False]
    assert len(mail.outbox) == 1


def test_where_nobody_is_named_it_stands_in_the_log(endpoint, settings, caplog):
    settings.STAFF_NOTICE_EMAILS = []
    assert _tell() == 1
    assert "shop.example.com" in caplog.text
    assert "Nothing but failures" in caplog.text
    assert "k3y" not in caplog.text
    assert (mail.outbox, _tell()) == ([], 0)


def test_one_that_is_on_again_is_not_told_of(endpoint):
    Endpoint.objects.update(disabled_at=None)
    _tell()
    assert mail.outbox == []
    assert Endpoint.objects.get().notice_due_at is None
