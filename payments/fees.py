"""What a payment costs the merchant. Whole minor units, rounded half up, so that nobody's float decides."""


def fee_of(amount_minor: int, *, percent_bps: int, fixed_minor: int, tax_bps: int) -> tuple[int, int]:
    """Fee and the tax on it, in minor units. The percentage and the tax are each rounded half up, the fixed part added.

    So 2 % of 299.99 is 6.00, and 18 % tax on that is 1.08.
    """
    fee = _share(amount_minor, percent_bps) + fixed_minor
    return fee, _share(fee, tax_bps)


def _share(amount_minor: int, bps: int) -> int:
    """Hundredths of a percent of an amount, half up."""
    return (amount_minor * bps * 2 + 10_000) // 20_000


def rule_in_words(*, percent_bps: int, fixed_minor: int, tax_bps: int) -> str:
    """A plan as it is kept on a payment, like "2.00 % + 300 minor units, tax 18.00 %"."""
    return f"{percent_bps / 100:.2f} % + {fixed_minor} minor units, tax {tax_bps / 100:.2f} %"
