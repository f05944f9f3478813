from django.db import migrations


def book(apps, schema_editor):
    """Captures from before the ledger get the transfer they would get now; there were no fees and no refunds."""
    account_model = apps.get_model("payments", "LedgerAccount")
    transfer_model = apps.get_model("payments", "Transfer")
    accounts = {}

    def account(payment, kind):
        of = (payment.merchant_id, payment.mode, payment.currency, kind)
        if of not in accounts:
            accounts[of], _ = account_model.objects.get_or_create(
                merchant_id=payment.merchant_id, mode=payment.mode, currency=payment.currency, kind=kind
            )
        return accounts[of]

    captured = apps.get_model("payments", "Payment").objects.filter(status="success").order_by("pk")
    for payment in captured.iterator(chunk_size=1_000):
        owed = "merchant_payable" if payment.capture_kind == "normal" else "suspense"
        transfer_model.objects.create(
            debit=account(payment, "gateway_receivable"),
            credit=account(payment, owed),
            amount_minor=payment.captured_minor,
            currency=payment.currency,
            source_type="payment",
            source_id=payment.pk,
            kind="capture",
            at=payment.completed_at or payment.started_at,
        )


class Migration(migrations.Migration):

    dependencies = [
        ("payments", "0004_money_after_the_payment"),
    ]

    operations = [migrations.RunPython(book, migrations.RunPython.noop)]
