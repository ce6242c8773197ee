"""Consent forms for the patient, in plain English and Spanish, as text and as PDF; the sheet with the page's code.

Owns rendering: the words are data in `texts/` and in `concord_formats.plain_words`. Refuses to store or send anything,
and to print what no law lets a patient sign. A signed Concord form says what `statements_in` lists. Sources: 45 CFR
164.508(c), 42 CFR 2.31.
"""

from __future__ import annotations

from .as_text import as_text
from .code_sheet import CodeSheet, render_code_sheet
from .compose import compose
from .form import Form, FormParty, Practice, Representative, days_of
from .statements import statements_in

__all__ = [
    "CodeSheet",
    "Form",
    "FormParty",
    "Practice",
    "Representative",
    "days_of",
    "render_code_sheet",
    "render_pdf",
    "render_text",
    "statements_in",
]


def render_text(form: Form) -> str:
    """The form as plain text, in lines of at most 78 characters, ending in a line feed."""
    return as_text(compose(form))


def render_pdf(form: Form) -> bytes:
    """The form as PDF on US Letter. Raises `FormError` for a field with a character that the font does not have."""
    from .as_pdf import as_pdf  # noqa: PLC0415 - fonts and shaping take a while to load

    return as_pdf(compose(form), form.written())
