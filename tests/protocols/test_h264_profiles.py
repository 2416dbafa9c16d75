"""profile-level-id: RFC 6184 table 5 and level 1b."""

from __future__ import annotations

import pytest

from conformance.protocols.h264_profiles import covers, level, sub_profile


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("42E01F", "constrained baseline"), ("42C028", "constrained baseline"), ("4D801F", "constrained baseline"),
        ("58C01F", "constrained baseline"), ("42001E", "66"), ("58801E", "66"), ("4D001F", "77"), ("640028", "100"),
        ("58001E", "88"),
    ],
)  # fmt: skip
def test_sub_profiles(text: str, name: str) -> None:
    assert sub_profile(bytes.fromhex(text)) == name


@pytest.mark.parametrize(
    ("text", "number"), [("42000A", 10.0), ("42100B", 10.5), ("640009", 10.5), ("64100B", 11.0), ("42000B", 11.0)]
)
def test_levels(text: str, number: float) -> None:
    assert level(bytes.fromhex(text)) == number


@pytest.mark.parametrize(
    ("declared", "stream", "held"),
    [
        ("42E01F", "42C01F", True),
        ("42E01F", "42C020", False),
        ("42E028", "42C01F", True),
        ("42001F", "42C01F", True),
        ("42E01F", "42001F", False),
        ("42001F", "64001F", False),
        ("64001F", "4D401F", True),
        ("4D001F", "42E01F", True),
        ("4D001F", "42001F", False),
        ("58001F", "42001F", True),
        ("7A001F", "64001F", True),
        ("64001F", "6E001F", False),
        ("42000A", "42C00A", True),
        ("42000A", "42C00B", False),
        ("42000A", "42100B", False),
    ],
)
def test_what_covers_what(declared: str, stream: str, held: bool) -> None:
    assert covers(bytes.fromhex(declared), bytes.fromhex(stream)) is held
