"""The languages customers can read Till in. Staff pages, the API, the simulator and the sample shop are in English."""

from dataclasses import dataclass

from payments.errors import BadInput


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its ISO 639-1 `code`, and the name its readers give it.

    `region` is whose ways of writing dates and amounts count, where it is not that of most readers.
    """

    code: str
    own_name: str
    region: str = ""
    is_checked: bool = False
    """Whether a native reader has read the whole translation against the pages."""

    @property
    def locale(self) -> str:
        """Babel's name of it."""
        return f"{self.code}_{self.region}" if self.region else self.code


ENGLISH = "en"
LANGUAGES = {
    language.code: language
    for language in (
        Language("en", "English", is_checked=True),
        Language("hi", "हिन्दी"),
        Language("ta", "தமிழ்"),
        Language("bn", "বাংলা", region="IN"),
        Language("te", "తెలుగు"),
        Language("mr", "मराठी"),
        Language("ar", "العربية"),
        Language("es", "Español"),
        Language("fr", "Français"),
        Language("de", "Deutsch"),
        Language("pt", "Português (Brasil)", region="BR"),
        Language("ja", "日本語"),
    )
}
CHOICES = [(language.code, language.own_name) for language in LANGUAGES.values()]


def known(tag: str) -> str:
    """The code of a language tag that we speak: pt for pt-BR; nothing for any other."""
    primary = tag.strip().replace("_", "-").partition("-")[0].lower()
    return primary if primary in LANGUAGES else ""


def language_code(tag: str, *, field: str = "language") -> str:
    """What a merchant writes of a language, as its code; empty says nothing. Raises BadInput."""
    code = known(tag)
    if tag.strip() and not code:
        told = f"{field}: write one of {', '.join(LANGUAGES)} (pt-BR counts as pt), or leave it out."
        raise BadInput(field, "language_unknown", told)
    return code
