"""A settlement of 50,000 payments put together and closed, while customers go on paying.

The floor is what PostgreSQL alone needs to copy as many rows of that shape, in chunks as large, with a commit each.
"""

import json
import subprocess
import sys
import threading
import time
from statistics import quantiles

from django.db import connection, transaction

from payments import clock
from payments.books import differences
from payments.models import Settlement
from payments.services.payments import start_payment
from payments.services.settlement_lines import CHUNK, Group
from payments.services.settlements import open_settlement
from tests.bench.rows import multiply
from tests.factories import OrderFactory, card_request
from tests.proof.processes import ROOT, environment
from tests.settling import sell, seller

PAYMENTS, CUSTOMERS = 50_000, 2
AT_MOST_S, AT_MOST_MB, SALE_P99_AT_MOST_S = 60, 200, 1.0

BUILDER = """
import django, json, resource, sys, time
django.setup()
from payments import clock
from payments.models import Settlement
from payments.services.audit import Act
from payments.services.settlement_lines import build_settlement
from payments.services.settlements import close_settlement
pk, user = map(int, sys.argv[1:])
idle_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
began = time.monotonic()
assert build_settlement(pk, at=clock.now())
built = time.monotonic()
net_minor = Settlement.objects.get(pk=pk).net_minor
close_settlement(pk, net_minor=net_minor, by=Act(user, "Measured."), at=clock.now())
closed = time.monotonic()
peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"build_s": built - began, "close_s": closed - built, "idle_mb": idle_mb, "peak_mb": peak_mb}))
"""


def run():
    """What was measured: lines of (what, value, limit or None, unit)."""
    from tests.factories import act

    merchant = seller()
    multiply(sell(merchant), PAYMENTS - 1)
    floor_s = _floor()
    quiet = _Customers(merchant)
    with quiet:
        time.sleep(5)
    settlement = open_settlement(Group(merchant, "test", "INR"), cutoff_at=clock.now(), at=clock.now())
    busy = _Customers(merchant)
    with busy:
        told = _build(settlement.pk, act("ben").user_id)
    settlement = Settlement.objects.get(pk=settlement.pk)
    assert settlement.status == "closed"
    assert settlement.payments >= PAYMENTS
    began = time.monotonic()
    assert [str(difference) for difference in differences()] == []
    whole_s = told["build_s"] + told["close_s"]
    return [
        (f"settle and close {settlement.payments:,} payments", whole_s, AT_MOST_S, "s"),
        ("  of which closing", told["close_s"], None, "s"),
        ("  the floor: PostgreSQL copies as many lines", floor_s, None, "s"),
        ("  times the floor", whole_s / floor_s, None, "x"),
        ("memory of its process at most", told["peak_mb"], AT_MOST_MB, "MB"),
        ("  before it began", told["idle_mb"], None, "MB"),
        (f"a sale meanwhile, p99 of {len(busy.took_s)}", busy.p99_s, SALE_P99_AT_MOST_S, "s"),
        (f"  with nothing else going on, p99 of {len(quiet.took_s)}", quiet.p99_s, None, "s"),
        ("verify_books over all of it", time.monotonic() - began, None, "s"),
    ]


def _build(settlement_pk, user_id):
    env = environment(DJANGO_SETTINGS_MODULE="checkout.settings")
    command = [sys.executable, "-c", BUILDER, str(settlement_pk), str(user_id)]
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True, timeout=300)
    return json.loads(done.stdout.splitlines()[-1])


def _floor():
    """Seconds to copy the lines that the settlement will have into a bare table with its indexes."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_line (LIKE payments_settlementline INCLUDING ALL)")
        began, after = time.monotonic(), 0
        while after is not None:
            with transaction.atomic():
                cursor.execute(
                    "WITH part AS (SELECT id, captured_minor, fee_minor, fee_tax_minor, completed_at FROM "
                    "payments_payment WHERE id > %s ORDER BY id LIMIT %s), written AS (INSERT INTO bench_line "
                    "(settlement_id, kind, payment_id, amount_minor, fee_minor, tax_minor, at) SELECT 1, 'payment', "
                    "id, captured_minor, fee_minor, fee_tax_minor, completed_at FROM part RETURNING payment_id) "
                    "SELECT max(payment_id) FROM written",
                    [after, CHUNK],
                )
                after = cursor.fetchone()[0]
        took_s = time.monotonic() - began
        cursor.execute("DROP TABLE bench_line")
    return took_s


class _Customers:
    """Customers who pay one order after the other, until it is over."""

    def __init__(self, merchant):
        self.merchant, self.took_s, self.is_over, self.broken = merchant, [], False, []

    def __enter__(self):
        self.threads = [threading.Thread(target=self._buy) for _ in range(CUSTOMERS)]
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        assert not self.broken, self.broken

    def _buy(self):
        try:
            while not self.is_over:
                order = OrderFactory(merchant=self.merchant)
                began = time.monotonic()
                payment = start_payment(order.pk, card_request(nonce=order.uid[:32]), at=clock.now())
                self.took_s.append(time.monotonic() - began)
                assert payment.status == "success"
        except Exception as fault:  # noqa: BLE001  (told by the one who waits for us)
            self.broken.append(fault)
        finally:
            connection.close()

    @property
    def p99_s(self):
        return quantiles(self.took_s, n=100)[98]
