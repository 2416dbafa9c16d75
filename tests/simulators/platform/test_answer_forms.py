"""Answers filled into forms are what the codec makes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.protocols.tykd_message import encode_message
from simulators.platform.answer_forms import AnswerForms
from specs.messages import load_message_table

TABLE = load_message_table()
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["Result", "DevID", "Time"]), TEXTS | st.integers(0, 999)), max_size=4))
def test_a_form_gives_the_bytes_of_the_codec(messages: list[Mapping[str, object]]) -> None:
    forms = AnswerForms(TABLE)
    for values in messages * 2:
        assert forms.fill("LOGIN", values) == encode_message(TABLE, "LOGIN", "response", values, check=False)


@pytest.mark.parametrize("text", ["@0@", "%b", "%", "<&>", "", "店"])
def test_odd_texts_do_not_disturb_it(text: str) -> None:
    forms = AnswerForms(TABLE)
    for values in ({"DevID": "KDN1", "Time": "20130801"}, {"DevID": text, "Time": "20130801"}):
        assert forms.fill("HEARTBEAT", values) == encode_message(TABLE, "HEARTBEAT", "response", values, check=False)
