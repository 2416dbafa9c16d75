"""Signed URLs against published examples; what is signed is read back, what is altered is not genuine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.signed_url import UrlError, digest_of, genuine, read_time, read_url, sign_url, write_time
from specs.stream_urls import SCHEMES_PATH, Scheme, Vector, load_schemes
from specs.yaml_source import SourceError

SCHEMES = load_schemes()
VECTORS = [(scheme, vector) for scheme in SCHEMES.values() for vector in scheme.vectors]
NOW = 1_377_000_000.0


def test_the_published_examples_are_there() -> None:
    assert [scheme.id for scheme, _ in VECTORS] == ["path-c", "query-deadline", "secure-link"]


@pytest.mark.parametrize(("scheme", "vector"), VECTORS)
def test_published_examples(scheme: Scheme, vector: Vector) -> None:
    assert digest_of(scheme, vector.path, vector.key, vector.time, address=vector.address) == vector.digest


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("query-a", "/live/a.flv?auth_key=1377000000-0-0-245a931547c615ffd7cc328dbde723bc"),
        ("path-b", "/201308202000/17d0da8c1c08615c6687fc2fe4552851/live/a.flv"),
        ("path-c", "/4872f4419ab29e4dda670162cfd43c1b/52135A40/live/a.flv"),
        ("stream-secret", "/live/a.flv?txSecret=0b893e0ac63ae8111c6a3f91621da654&txTime=52135A40"),
    ],
)
def test_the_form_of_the_url(scheme: str, expected: str) -> None:
    made = sign_url(SCHEMES[scheme], "/live/a.flv", "key", NOW)
    assert made == expected


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
@given(
    path=st.from_regex(r"/[a-z0-9/]{0,20}[a-z0-9]\.(flv|m3u8)", fullmatch=True), key=st.text(min_size=1, max_size=20)
)
def test_what_is_signed_is_genuine(scheme: Scheme, path: str, key: str) -> None:
    made = sign_url(scheme, path, key, NOW)
    assert read_url(scheme, made)["path"] == path
    assert genuine(scheme, made, key)
    assert not genuine(scheme, made, key + "x")
    assert not genuine(scheme, made.replace(read_url(scheme, made)["digest"], "0" * 32), key)


def test_a_signature_over_the_stream_name_fits_another_directory() -> None:
    made = sign_url(SCHEMES["stream-secret"], "/live/a.flv", "key", NOW)
    assert genuine(SCHEMES["stream-secret"], made.replace("/live/", "/other/"), "key")
    full = sign_url(SCHEMES["query-deadline"], "/live/a.flv", "key", NOW)
    assert not genuine(SCHEMES["query-deadline"], full.replace("/live/", "/other/"), "key")


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
@pytest.mark.parametrize("target", ["", "/", "/live/a.flv", "?sign=", "/a?sign=\0&t=zz", "/a?auth_key=1-2"])
def test_what_has_not_the_form(scheme: Scheme, target: str) -> None:
    with pytest.raises(UrlError):
        read_url(scheme, target)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_times_are_read_back(scheme: Scheme) -> None:
    assert read_time(scheme.time, write_time(scheme.time, NOW)) == NOW
    with pytest.raises(UrlError):
        read_time(scheme.time, "zz")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{path}-{time}", "{pth}-{time}", "the template names {pth}"),
        ("digest: md5\n", "digest: hmac_sha256\n", "exactly one of both"),
        ("id: path-b", "id: query-a", "the scheme query-a stands here twice"),
        ("&t={time}", "", "lacks {digest} or {time}"),
    ],
)
def test_mistakes_in_the_table(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = SCHEMES_PATH.read_text("utf-8")
    file = tmp_path / "urls.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SourceError, match=r"urls\.yaml:[0-9]+: ") as caught:
        load_schemes(file)
    assert message in str(caught.value)
