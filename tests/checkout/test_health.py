"""What probes and monitors are told: yes or no, and whether somebody does the work behind."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from payments import clock
from payments.models import Worker
from payments.services.workers import sign_in, sign_off

pytestmark = pytest.mark.django_db

OK, SILENT = b"ok\nworker: ok\n", b"ok\nworker: silent\n"


def ask(client, path="/readyz"):
    response = client.get(path)
    return response.status_code, response.content


def at_work(name="host:1", *, ago=timedelta()):
    at = clock.now() - ago
    sign_in(name, started_at=at, at=at)


def test_a_process_that_lives_says_so_and_no_more(client):
    assert ask(client, "/healthz") == (200, b"ok")


def test_readiness_says_whether_a_worker_was_heard_of(client):
    assert ask(client) == (200, SILENT)
    at_work()
    assert ask(client) == (200, OK)
    with clock.shifted(timedelta(seconds=59)):
        assert ask(client) == (200, OK)
    with clock.shifted(timedelta(seconds=61)):
        assert ask(client) == (200, SILENT)


def test_monitors_ask_for_the_worker_and_are_told_by_status(client):
    assert ask(client, "/readyz?worker") == (503, SILENT)
    at_work()
    assert ask(client, "/readyz?worker") == (200, OK)
    sign_off("host:1")
    assert ask(client, "/readyz?worker") == (503, SILENT)


def test_one_of_several_workers_is_enough(client):
    at_work("host:1", ago=timedelta(minutes=5))
    at_work("host:2")
    assert ask(client, "/readyz?worker") == (200, OK)


@pytest.mark.parametrize("path", ["/readyz", "/readyz?worker"])
def test_a_database_that_is_away_is_not_ready(client, monkeypatch, path):
    def away(**_):
        raise OperationalError("could not connect to 10.0.0.7")

    at_work()
    monkeypatch.setattr("checkout.health.any_heard", away)
    assert ask(client, path) == (503, b"not ready")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_come_by_any_host(client, path):
    assert client.get(path, headers={"host": "10.0.0.7"}).status_code == 200


def test_a_probe_costs_one_query(client, django_assert_num_queries):
    with django_assert_num_queries(1):
        client.get("/readyz")


def test_workers_that_fell_silent_long_ago_are_forgotten_by_others():
    at_work("host:1", ago=timedelta(minutes=61))
    at_work("host:2", ago=timedelta(minutes=59))
    at_work("host:3")
    assert set(Worker.objects.values_list("name", flat=True)) == {"host:2", "host:3"}


def test_a_worker_signs_in_again_under_its_name():
    at_work(ago=timedelta(minutes=5))
    at_work()
    worker = Worker.objects.get()
    assert worker.seen_at == worker.started_at
    assert clock.now() - worker.seen_at < timedelta(minutes=1)
