"""The form in which names are searched. `api/accounts/names.py` says which names there may be. Pure."""

import unicodedata


def searched_form(text: str) -> str:
    """Return a text without case, accents and outer blanks: NFKD without marks, in lower case, as the page does it."""
    decomposed = unicodedata.normalize("NFKD", text.strip())
    return "".join(one for one in decomposed if unicodedata.category(one)[0] != "M").lower()


def is_named(wanted: str, *names: str) -> bool:
    """Say whether one of these names contains a text, which is in the form in which names are searched."""
    return any(wanted in searched_form(name) for name in names)
