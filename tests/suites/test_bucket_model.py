"""The specification of a bucket, by literal listings."""

from __future__ import annotations

import pytest

from conformance.suites.cloud_storage.bucket_model import BucketModel, Expected, Held


def model(*keys: str) -> BucketModel:
    return BucketModel({key: Held(b"", "") for key in keys})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, Expected(["a", "a/b", "a/c/d", "b", "录/1"], [], frozenset())),
        ({"delimiter": "/"}, Expected(["a", "b"], ["a/", "录/"], frozenset())),
        ({"prefix": "a/", "delimiter": "/"}, Expected(["a/b"], ["a/c/"], frozenset())),
        ({"prefix": "a"}, Expected(["a", "a/b", "a/c/d"], [], frozenset())),
        ({"after": "a/b"}, Expected(["a/c/d", "b", "录/1"], [], frozenset())),
        ({"after": "a/b0"}, Expected(["a/c/d", "b", "录/1"], [], frozenset())),
        ({"after": "a/b", "delimiter": "/"}, Expected(["b"], ["a/", "录/"], frozenset({"a/"}))),
        ({"after": "录/1"}, Expected([], [], frozenset())),
        ({"prefix": "x"}, Expected([], [], frozenset())),
    ],
)
def test_listings(asked: dict[str, str], expected: Expected) -> None:
    assert model("录/1", "b", "a/c/d", "a", "a/b").listing(**asked) == expected


def test_the_order_is_that_of_utf_8_not_of_utf_16() -> None:
    assert model("\U0001f4f7", "\uff01", "Z", "a").listing().keys == ["Z", "a", "\uff01", "\U0001f4f7"]
