"""Conditions: grammar, three-valued logic, errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.condition import ConditionError, parse_condition

FEATURES = {"ptz": True, "wifi": False, "channels": 4, "type": "nvr", "video_codecs": frozenset({"h264"})}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("always", True),
        ("feature.ptz", True),
        ("not feature.ptz", False),
        ("feature.unknown", None),
        ("not feature.unknown", None),
        ("feature.channels >= 4", True),
        ("feature.channels > 4", False),
        ("feature.type == nvr", True),
        ("feature.type != nvr", False),
        ("feature.video_codecs has h264", True),
        ("feature.video_codecs has h265", False),
        ("feature.wifi and feature.unknown", False),
        ("feature.ptz and feature.unknown", None),
        ("feature.ptz or feature.unknown", True),
        ("feature.wifi or feature.unknown", None),
        ("feature.wifi or feature.ptz and feature.channels >= 2", True),
        ("(feature.wifi or feature.ptz) and feature.channels >= 9", False),
    ],
)
def test_evaluation(text: str, expected: bool | None) -> None:
    assert parse_condition(text)(FEATURES) is expected


def test_a_condition_prints_itself_and_names_its_features() -> None:
    condition = parse_condition("feature.ptz and feature.channels >= 2")
    assert str(condition) == "feature.ptz and feature.channels >= 2"
    assert condition.features == {"ptz", "channels"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "feature.",
        "ptz",
        "feature.ptz and",
        "(feature.ptz",
        "feature.ptz)",
        "feature.channels >= many",
        "feature.a ==",
        "$",
    ],
)
def test_what_does_not_follow_the_grammar(text: str) -> None:
    with pytest.raises(ConditionError):
        parse_condition(text)


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_a_condition_error(text: str) -> None:
    try:
        value = parse_condition(text)(FEATURES)
    except ConditionError:
        return
    assert value in (True, False, None)
