"""Banks and wallets a customer can choose, by the codes the field uses.

Plain data. IFSC prefixes were checked against razorpay/ifsc of May 2026 (`src/IFSC.json`, made from the Reserve Bank's
lists), wire codes against the vendor's own tables (docs/api-reference/payments/enums and its `pg-svelte` kit).
Only personal netbanking is listed. Left out are banks that merged away, regional rural banks (being merged state by
state since 2025) and banks whose wire code we could not confirm, such as India Post Payments Bank.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bank:
    code: str  # first four letters of its IFSC; the value of the form field `bank`
    name: str  # as customers know it, not the registered name
    wire_code: int  # netbanking_bank_code of the Cashfree wire; 0 where the wire has none


_ALL = (
    Bank("AIRP", "Airtel Payments Bank", 3123),
    Bank("AUBL", "AU Small Finance Bank", 3087),
    Bank("UTIB", "Axis Bank", 3003),
    Bank("BDBL", "Bandhan Bank", 3088),
    Bank("BBKM", "Bank of Bahrain and Kuwait", 3095),
    Bank("BARB", "Bank of Baroda", 3005),
    Bank("BKID", "Bank of India", 3006),
    Bank("MAHB", "Bank of Maharashtra", 3007),
    Bank("CNRB", "Canara Bank", 3009),
    Bank("CLBL", "Capital Small Finance Bank", 3098),
    Bank("CBIN", "Central Bank of India", 3011),
    Bank("CIUB", "City Union Bank", 3012),
    Bank("COSB", "Cosmos Bank", 3097),
    Bank("CSBK", "CSB Bank", 3010),
    Bank("DBSS", "DBS Bank", 3017),
    Bank("DCBL", "DCB Bank", 3018),
    Bank("DEUT", "Deutsche Bank", 3016),
    Bank("DLXB", "Dhanlaxmi Bank", 3019),
    Bank("ESFB", "Equitas Small Finance Bank", 3076),
    Bank("ESMF", "ESAF Small Finance Bank", 3100),
    Bank("FDRL", "Federal Bank", 3020),
    Bank("GSCB", "Gujarat State Co-operative Bank", 3091),
    Bank("HDFC", "HDFC Bank", 3021),
    Bank("HSBC", "HSBC", 3092),
    Bank("ICIC", "ICICI Bank", 3022),
    Bank("IBKL", "IDBI Bank", 3023),
    Bank("IDFB", "IDFC FIRST Bank", 3024),
    Bank("IDIB", "Indian Bank", 3026),
    Bank("IOBA", "Indian Overseas Bank", 3027),
    Bank("INDB", "IndusInd Bank", 3028),
    Bank("JAKA", "Jammu and Kashmir Bank", 3029),
    Bank("JSFB", "Jana Small Finance Bank", 3102),
    Bank("JSBP", "Janata Sahakari Bank, Pune", 3104),
    Bank("KCCB", "Kalupur Bank", 3106),
    Bank("KJSB", "Kalyan Janata Sahakari Bank", 3105),
    Bank("KARB", "Karnataka Bank", 3030),
    Bank("KVBL", "Karur Vysya Bank", 3031),
    Bank("KKBK", "Kotak Mahindra Bank", 3032),
    Bank("MSNU", "Mehsana Urban Co-operative Bank", 3109),
    Bank("NKGS", "NKGSB Co-operative Bank", 3111),
    Bank("PSIB", "Punjab & Sind Bank", 3037),
    Bank("PUNB", "Punjab National Bank", 3038),
    Bank("RATN", "RBL Bank", 3039),
    Bank("SRCB", "Saraswat Bank", 3040),
    Bank("STCB", "SBM Bank India", 3115),
    Bank("SMCB", "Shivalik Small Finance Bank", 3086),
    Bank("SIBL", "South Indian Bank", 3042),
    Bank("SCBL", "Standard Chartered Bank", 3043),
    Bank("SBIN", "State Bank of India", 3044),
    Bank("SPCB", "Surat People's Co-operative Bank", 3090),
    Bank("SURY", "Suryoday Small Finance Bank", 3116),
    Bank("SVCB", "SVC Co-operative Bank", 3041),
    Bank("TNSC", "Tamil Nadu State Co-operative Bank", 3051),
    Bank("TMBL", "Tamilnad Mercantile Bank", 3052),
    Bank("TJSB", "TJSB Sahakari Bank", 3119),
    Bank("UCBA", "UCO Bank", 3054),
    Bank("UJVN", "Ujjivan Small Finance Bank", 3126),
    Bank("UBIN", "Union Bank of India", 3055),
    Bank("UTKS", "Utkarsh Small Finance Bank", 3089),
    Bank("YESB", "Yes Bank", 3058),
)
BANKS: dict[str, Bank] = {bank.code: bank for bank in sorted(_ALL, key=lambda bank: bank.name.casefold())}

POPULAR: tuple[str, ...] = ("SBIN", "HDFC", "ICIC", "UTIB", "KKBK", "PUNB")

# The wire's provider words, the best known first. Two of them we do not offer: gpay moves money between bank accounts
# over UPI and holds no balance; jio is no longer in the wallet lists of the gateways.
WALLETS: dict[str, str] = {
    "paytm": "Paytm",
    "amazon": "Amazon Pay",
    "mobikwik": "MobiKwik",
    "phonepe": "PhonePe wallet",
    "airtel": "Airtel Money",
    "freecharge": "Freecharge",
    "ola": "Ola Money",
}


def popular_banks() -> list[Bank]:
    """The most used banks, in the order the page shows them."""
    return [BANKS[code] for code in POPULAR]


def other_banks() -> list[Bank]:
    """All the rest, A to Z."""
    return [bank for bank in BANKS.values() if bank.code not in POPULAR]
