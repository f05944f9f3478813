"""Small builders, so that every table states the same promise in the same way."""

from enum import StrEnum

from django.db.models import CheckConstraint, Q


def one_of(field: str, words: type[StrEnum], *, name: str, blank: bool = False) -> CheckConstraint:
    """The column holds one of these words, or nothing where `blank`."""
    allowed = [word.value for word in words] + ([""] if blank else [])
    return CheckConstraint(condition=Q(**{f"{field}__in": allowed}), name=name)


def choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    """Words of an enum as choices of a model field."""
    return [(word.value, word.value.replace("_", " ")) for word in words]
