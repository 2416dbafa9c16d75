"""Small readers of the ONVIF suites."""

from __future__ import annotations

import pytest

from conformance.suites.camera.onvif.test_http_digest import altered
from conformance.suites.camera.onvif.test_system import manual, parts
from conformance.suites.camera.onvif.test_upgrade import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT20S", 20.0),
        ("PT0S", 0.0),
        ("PT1M30S", 90.0),
        ("P1DT1H", 90_000.0),
        ("PT1.5S", 1.5),
        (" PT2S ", 2.0),
        ("P", None),
        ("PT", None),
        ("20", None),
        ("P1Y", None),
        ("", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def test_one_field_of_credentials_is_changed_and_no_other() -> None:
    header = 'Digest username="admin", realm="r", nonce="ab", uri="/x", response="10", cnonce="cd", nc=00000001'
    assert altered(header, "nonce") == header.replace('nonce="ab"', 'nonce="a0"', 1)
    assert altered(header, "response") == header.replace('"10"', '"11"')
    assert altered(header, "uri") == header.replace('"/x"', '"/0"')
    assert altered(header, "missing") == header


def test_a_moment_is_written_as_six_numbers() -> None:
    assert parts(1371081599.9) == (2013, 6, 12, 23, 59, 59)
    told = manual((2013, 2, 30, 12, 0, 5), "CST-8")
    assert "<tt:Year>2013</tt:Year><tt:Month>2</tt:Month><tt:Day>30</tt:Day>" in told
    assert "<tds:TimeZone><tt:TZ>CST-8</tt:TZ></tds:TimeZone>" in told
    assert told.index("<tt:Time>") < told.index("<tt:Date>")
