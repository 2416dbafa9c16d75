"""Which requirements a file of a suite is about, read from its text: what a run does not need is not imported."""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cache
from pathlib import Path

#: A mark whose ids are computed.
_COMPUTED = re.compile(r"""\bverifies\(\s*[^"'\s]""")
_ID = re.compile(r"""["']([A-Z]{2,}(?:-\w+)+)["']""")


@cache
def named_in(file: Path) -> frozenset[str]:
    """What looks like an id of a requirement in a file; nothing where ids are computed, or the file cannot be read."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return frozenset()
    return frozenset() if _COMPUTED.search(text) else frozenset(_ID.findall(text))


def is_needless(file: Path, known: Set[str], selected: Set[str]) -> bool:
    """Whether every requirement that a file is about is known and none of them selected."""
    named = named_in(file) & known
    return bool(named) and not named & selected
