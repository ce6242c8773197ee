"""Languages by their codes and their English names, as the directory and its readers call them.

Owns the names. Refuses to say which languages there are: a code that has no name here is a language too.
"""

from __future__ import annotations

# BCP 47 primary language subtags (RFC 5646, IANA Language Subtag Registry), and what people call them in English. The
# languages are those that the American Community Survey counts (table B16001, C16001), and the sign language.
NAMES = {
    "am": "Amharic", "ar": "Arabic", "as": "Assamese", "ase": "American Sign Language", "bg": "Bulgarian",
    "bn": "Bengali", "bs": "Bosnian", "ceb": "Cebuano", "chr": "Cherokee", "cs": "Czech", "da": "Danish",
    "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "ff": "Fulah",
    "fi": "Finnish", "fil": "Filipino", "fr": "French", "ga": "Irish", "gu": "Gujarati", "ha": "Hausa",
    "haw": "Hawaiian", "he": "Hebrew", "hi": "Hindi", "hmn": "Hmong", "hr": "Croatian", "ht": "Haitian Creole",
    "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "ig": "Igbo", "ilo": "Ilocano", "it": "Italian",
    "ja": "Japanese", "ka": "Georgian", "kar": "Karen", "kk": "Kazakh", "km": "Khmer", "kn": "Kannada",
    "ko": "Korean", "ku": "Kurdish", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "mam": "Mam",
    "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi", "my": "Burmese", "ne": "Nepali",
    "nl": "Dutch", "no": "Norwegian", "nv": "Navajo", "om": "Oromo", "pa": "Punjabi", "pdc": "Pennsylvania German",
    "pl": "Polish", "ps": "Pashto", "pt": "Portuguese", "quc": "K'iche'", "ro": "Romanian", "ru": "Russian",
    "rw": "Kinyarwanda", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "sm": "Samoan", "so": "Somali",
    "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "syr": "Syriac", "ta": "Tamil",
    "te": "Telugu", "th": "Thai", "ti": "Tigrinya", "tl": "Tagalog", "to": "Tongan", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese", "wo": "Wolof", "yi": "Yiddish",
    "yo": "Yoruba", "yue": "Cantonese", "zh": "Chinese",
}  # fmt: skip


def name(code: str) -> str:
    """What a language is called in English; the code itself where it has no name here."""
    return NAMES.get(code, code)


__all__ = ["NAMES", "name"]
