"""Text from a device in a spreadsheet: never a formula, never a character that breaks the file."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MAX_CELL = 32_000


def harmless(text: str) -> str:
    """The text with an apostrophe before anything that a spreadsheet would compute (CSV has no cell types)."""
    clean = printable(text)
    return f"'{clean}" if clean.lstrip(" ").startswith(_FORMULA) and clean != "-" else clean


def printable(text: str) -> str:
    """Without characters that XML 1.0 cannot hold, at most MAX_CELL characters."""
    kept = (c if c in "\t\n" or 0x20 <= ord(c) <= 0xD7FF or 0xE000 <= ord(c) <= 0xFFFD else "\ufffd" for c in text)
    return "".join(kept)[:MAX_CELL]
