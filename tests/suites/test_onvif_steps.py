"""Small readers of the ONVIF suites."""

from __future__ import annotations

import pytest

from conformance.peers.onvif.services import service_versions
from conformance.protocols.soap import PREFIXES, envelope, read_envelope
from conformance.suites.camera.onvif.operation_steps import Offer
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


def test_what_came_after_the_version_that_a_service_tells_is_not_asked_for() -> None:
    def offered(versions: dict[str, tuple[int, int]]) -> set[str]:
        return {operation.name for _, operation in Offer(("media",), {}, {}, frozenset(), versions).operations()}

    assert offered({}) == offered({"media": (2, 60)})
    assert offered({}) - offered({"media": (2, 30)}) == {
        "GetVideoSourceModes",
        "GetOSDs",
        "GetOSD",
        "GetOSDOptions",
        "DeleteOSD",
    }


def test_versions_of_services() -> None:
    def told(prefix: str, major: str, minor: str) -> str:
        version = f"<tt:Major>{major}</tt:Major><tt:Minor>{minor}</tt:Minor>"
        inside = f"<tds:Namespace>{PREFIXES[prefix]}</tds:Namespace><tds:Version>{version}</tds:Version>"
        return f"<tds:Service>{inside}</tds:Service>"

    services = told("tds", "18", "06") + told("tptz", "2", "60") + told("timg", "two", "1") + told("ter", "2", "1")
    answer = read_envelope(envelope(f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>")).first
    assert answer is not None
    assert service_versions(answer) == {"device": (18, 6), "ptz": (2, 60)}
