"""Pay-outs that failed, and of which the bank's files say that the money is not with us."""

from django.db.models import Exists, OuterRef, Sum

from checkout.amounts import format_money
from payments.models import Settlement, StatementLine
from payments.states import Bucket, LineType, PayoutStatus


def is_of_failed(line: StatementLine) -> bool:
    """Whether the bank says in this line that it paid what the books have as failed."""
    payout = line.payout
    is_gone = line.bucket == Bucket.MISSING and line.type == LineType.DEBIT and line.number is not None
    return payout is not None and is_gone and payout.status == PayoutStatus.FAILED


def left_again(settlement: Settlement) -> str:
    """What to say where the bank paid a failed pay-out after all and did not take it back; else nothing.

    Nothing either once that transfer is noted as a pay-out of its own, which its reference says.
    """
    payouts = list(settlement.payouts.order_by("pk"))
    noted = {payout.utr for payout in payouts if payout.status != PayoutStatus.FAILED}
    open_ones = [each for each in payouts if each.status == PayoutStatus.FAILED and each.utr not in noted - {""}]
    if not open_ones:
        return ""
    told = StatementLine.objects.filter(payout__in=open_ones, number__isnull=False)
    gone = told.filter(payout=OuterRef("payout"), bucket=Bucket.MISSING, type=LineType.DEBIT)
    counted = told.filter(Exists(gone)).exclude(bucket=Bucket.DUPLICATE).order_by()
    sums = counted.values("payout").annotate(total=Sum("net_minor")).filter(total__lt=0)
    pks = set(sums.values_list("payout", flat=True))
    names = [f"{each.uid} ({format_money(each.amount_minor, each.currency)})" for each in open_ones if each.pk in pks]
    if not names:
        return ""
    return (
        f"Look first: the bank’s files say that the money of {', '.join(names)} left and not that it came back, though "
        "it is failed here. Ask the bank before you order another transfer. If the merchant has the money, note that "
        "transfer as a new pay-out under its reference, and confirm it."
    )
