"""A gateway's file from the desk: uploaded, refused at its field, imported, and read line by line."""

import pytest

from payments.models import GatewayAccount, StatementFile
from tests.browser.test_staff_webhooks import _is_clean, desk  # noqa: F401  (a fixture)
from tests.payments.test_statements import GATEWAY, csv_of, line_of, today
from tests.settling import sell, seller

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_is_refused_then_imported_and_looked_at(desk):  # noqa: F811
    merchant = seller(name="Patang Paper Goods")
    payments = [sell(merchant) for _ in range(4)]
    rows = [line_of(payments[0]), line_of(payments[0]), line_of(payments[1], gross=29_000), line_of(payments[2])]

    desk.goto("/admin/payments/statementfile/add/")
    _is_clean(desk)
    desk.get_by_label("What it is").select_option("gateway")
    desk.get_by_label("Gateway account").select_option(str(GatewayAccount.objects.get().pk))
    desk.get_by_label("Last day").fill(str(today()))
    desk.get_by_label("Reason").fill("The week's file")
    desk.get_by_label("CSV file").set_input_files([{"name": "week.csv", "mimeType": "text/csv", "buffer": b"a,b\n"}])
    desk.get_by_role("button", name="Import the file").click()
    desk.get_by_text("Line 1: write these columns").wait_for()
    _is_clean(desk)

    content = csv_of(GATEWAY, rows).encode()
    desk.get_by_label("CSV file").set_input_files([{"name": "week.csv", "mimeType": "text/csv", "buffer": content}])
    desk.get_by_role("button", name="Import the file").click()
    desk.get_by_role("heading", name="Beside the books, in INR").wait_for()
    _is_clean(desk)
    file = StatementFile.objects.get()
    assert file.line_count == 4

    desk.get_by_role("link", name="duplicate").click()
    desk.get_by_text("1 statement line").first.wait_for()
    desk.goto(f"/admin/payments/statementline/?file={file.pk}")
    desk.get_by_text("books only").first.wait_for()
    _is_clean(desk)
    desk.goto(f"/admin/payments/statementline/{file.lines.first().pk}/change/")
    _is_clean(desk)
    desk.goto("/admin/payments/statementfile/")
    _is_clean(desk)
