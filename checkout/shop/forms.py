from typing import Any

from django import forms

from checkout.shop.catalogue import ITEMS, MOST_OF_ONE, Item

BUYER_NAME = "Asha Rao"
BUYER_EMAIL = "asha@example.com"
BUYER_PHONE = "9999999999"
HOW_MANY = f"Write a whole number from 1 to {MOST_OF_ONE}."


def _text(label: str, default: str, *, most: int, autocomplete: str, kind: str) -> dict[str, Any]:
    """Options of a buyer's field: it may be left empty, which means the demo customer's own value."""
    return {
        "label": label,
        "required": False,
        "empty_value": default,
        "initial": default,
        "max_length": most,
        "error_messages": {
            "max_length": f"Write at most {most} characters.",
            "invalid": f"Write it like {default}.",
        },
        "widget": forms.TextInput(attrs={"autocomplete": autocomplete, "type": kind}),
    }


class BuyForm(forms.Form):
    """One thing, how many of it, and who is buying."""

    item = forms.ChoiceField(
        choices=[(item.slug, item.name) for item in ITEMS],
        widget=forms.HiddenInput,
        error_messages={"required": "Choose one of the three things.", "invalid_choice": "We don’t sell that."},
    )
    quantity = forms.IntegerField(
        label="How many",
        min_value=1,
        max_value=MOST_OF_ONE,
        initial=1,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), HOW_MANY),
    )
    name = forms.CharField(**_text("Name", BUYER_NAME, most=100, autocomplete="name", kind="text"))
    email = forms.EmailField(**_text("E-mail", BUYER_EMAIL, most=100, autocomplete="email", kind="email"))
    phone = forms.CharField(**_text("Phone", BUYER_PHONE, most=20, autocomplete="tel", kind="tel"))

    @property
    def buyer_needs_a_look(self) -> bool:
        """True where the fold with the buyer's fields must stand open, because one of them has an error."""
        return any(self[name].errors for name in ("name", "email", "phone"))


def empty_form(item: Item) -> BuyForm:
    """The form as it stands under `item`: three of them share a page, so each has ids of its own."""
    return BuyForm(initial={"item": item.slug}, auto_id=f"{item.slug}-%s")
