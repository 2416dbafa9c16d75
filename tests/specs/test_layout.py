"""Keys of recordings: their order is the order of time, and they tell what they hold."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.layout import Clip, load_layout

LAYOUT = load_layout()
TEN = dt.datetime(2013, 8, 1, 10, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
MOMENTS = st.integers(0, 10**9).map(lambda seconds: TEN + dt.timedelta(seconds=seconds))


def clip(start: dt.datetime, minutes: int = 15, event: str = "") -> Clip:
    return Clip("shop-1", "KDN00000001", 1, start, start + minutes * MINUTE, event)


def test_the_key_of_a_clip() -> None:
    assert LAYOUT.key_of(clip(TEN)) == "shop-1/KDN00000001/1/20130801/100000-101500.mp4"
    assert LAYOUT.key_of(clip(TEN, 1, "motion")) == "shop-1/KDN00000001/1/20130801/100000-100100-motion.mp4"


def test_a_clip_over_midnight() -> None:
    late = clip(TEN.replace(hour=23, minute=55))
    assert LAYOUT.key_of(late) == "shop-1/KDN00000001/1/20130801/235500-001000.mp4"
    assert LAYOUT.parse(LAYOUT.key_of(late)) == late


@given(MOMENTS, st.integers(0, 1439), st.sampled_from(["", "motion"]))
def test_a_key_tells_its_clip(start: dt.datetime, minutes: int, event: str) -> None:
    made = clip(start, minutes, event)
    assert LAYOUT.parse(LAYOUT.key_of(made)) == made


@given(MOMENTS, MOMENTS)
def test_order_of_keys_is_order_of_time(one: dt.datetime, two: dt.datetime) -> None:
    assert (LAYOUT.key_of(clip(one)) < LAYOUT.key_of(clip(two))) == (one < two)


@given(st.lists(MOMENTS, max_size=8), MOMENTS)
def test_a_query_misses_no_clip(starts: list[dt.datetime], at: dt.datetime) -> None:
    clips = [clip(start) for start in starts]
    listed = [k for k in map(LAYOUT.key_of, clips) if k > LAYOUT.start_after("shop-1", "KDN00000001", 1, at)]
    truth = {LAYOUT.key_of(made) for made in clips if made.overlaps(at, at + MINUTE)}
    assert set(LAYOUT.within(listed, at, at + MINUTE)) == truth


@pytest.mark.parametrize(
    "key",
    ["", "a/b/1/20130801/100000-101500.exe", "a/b/1/20131301/100000-101500.mp4", "a/b/x/20130801/100000-101500.mp4"],
)
def test_keys_of_another_form(key: str) -> None:
    assert LAYOUT.parse(key) is None


def test_a_clip_of_a_day_has_no_key() -> None:
    with pytest.raises(ValueError, match="no key"):
        LAYOUT.key_of(clip(TEN, 1440))


def test_packages() -> None:
    assert LAYOUT.packages == (1, 7, 30)
