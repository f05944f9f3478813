"""What Patang sells. Prices are whole paise: the shop never holds an amount as a float."""

from dataclasses import dataclass

CURRENCY = "INR"
MOST_OF_ONE = 20
POST_MINOR = 80_00
POST_LABEL = "Post, Ahmedabad to Pune"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on the shelf; `slug` names its drawing and what its form posts, `short` its button."""

    slug: str
    name: str
    short: str
    about: str
    price_minor: int

    @property
    def drawing(self) -> str:
        return f"shop/{self.slug}.svg"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an order as the buyer reads it."""

    label: str
    amount_minor: int


ITEMS = (
    Item("notebook", "Monsoon notebook", "notebook", "96 unlined pages, sewn, lies flat.", 480_00),
    Item("calendar", "Letterpress calendar 2027", "calendar", "Twelve leaves, three inks.", 1_250_00),
    Item("suite", "Wedding suite, 250 sets", "suite", "Invitation, envelope and map card.", 1_12_500_00),
)
BY_SLUG = {item.slug: item for item in ITEMS}


def label_of(item: Item, quantity: int) -> str:
    """Say what was bought: "Monsoon notebook × 2", and without a number for a single one."""
    return item.name if quantity == 1 else f"{item.name} × {quantity}"


def rows_of(item: Item, quantity: int) -> list[Row]:
    """Break an order down into the lines that add up to what the buyer pays."""
    if not 1 <= quantity <= MOST_OF_ONE:
        raise ValueError(f"{quantity} of one thing: sell 1 to {MOST_OF_ONE}")
    return [Row(label_of(item, quantity), item.price_minor * quantity), Row(POST_LABEL, POST_MINOR)]


def total_of(rows: list[Row]) -> int:
    """Add the lines up, in paise."""
    return sum(row.amount_minor for row in rows)
