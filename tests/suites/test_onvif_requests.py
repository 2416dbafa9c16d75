"""What the robustness suite sends: forms that are said to mean the same do, and the broken ones are broken."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.protocols.http_message import HttpRequestParser
from conformance.protocols.safe_xml import XmlError
from conformance.protocols.soap import SoapError, read_envelope
from conformance.suites.camera.onvif.operation_steps import payload
from conformance.suites.camera.onvif.raw_exchange import (
    GOOD,
    QUESTION,
    chunked,
    http_forms,
    other_forms,
    posted,
    xml_forms,
)
from conformance.suites.camera.onvif.test_robustness import broken, entities

DEVICE: Any = SimpleNamespace(url="http://192.0.2.7:8000/onvif/device_service")


def meaning(data: bytes) -> bytes:
    first = read_envelope(data).first
    assert first is not None
    return payload(first)


@pytest.mark.parametrize("about", other_forms(QUESTION))
def test_namespaces_written_otherwise_mean_the_same(about: str) -> None:
    assert meaning(other_forms(QUESTION)[about]) == meaning(GOOD)


def test_every_form_is_another_text() -> None:
    forms = [*other_forms(QUESTION).values(), *xml_forms().values(), GOOD]
    assert len(set(forms)) == len(forms) == 15


@pytest.mark.parametrize("about", xml_forms())
def test_xml_written_otherwise_means_the_same(about: str) -> None:
    first = read_envelope(xml_forms()[about]).first
    assert first is not None
    assert first.name.local == "GetServices"
    assert first.value("IncludeCapability") in ("false", "0")


@pytest.mark.parametrize("about", http_forms(DEVICE))
def test_http_written_otherwise_means_the_same(about: str) -> None:
    (request,) = HttpRequestParser().feed(http_forms(DEVICE)[about])
    assert (request.method, request.body) == ("POST", GOOD)
    assert request.target.endswith("/onvif/device_service")
    assert (request.headers.get("Content-Type") or "").lower().startswith("application/soap+xml")
    assert request.headers.get("Host") == "192.0.2.7:8000"


def test_a_posted_question_is_one_whole_request() -> None:
    (request,) = HttpRequestParser().feed(posted(DEVICE))
    assert (request.target, request.body) == ("/onvif/device_service", GOOD)


@pytest.mark.parametrize("size", [1, 100, len(GOOD)])
def test_chunks_hold_the_question(size: int) -> None:
    data = chunked(DEVICE, [GOOD[at : at + size] for at in range(0, len(GOOD), size)])
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Length" not in head
    assert body.startswith(f"{size:x}\r\n".encode() + GOOD[:size] + b"\r\n")
    assert body.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize("about", [name for name in broken() if name != "an empty body"])
def test_broken_requests_are_broken(about: str) -> None:
    with pytest.raises((XmlError, SoapError)):
        read_envelope(broken()[about])


def test_an_empty_body_is_an_envelope_without_an_operation() -> None:
    assert read_envelope(broken()["an empty body"]).first is None


def test_nested_entities_grow_tenfold_at_each_level() -> None:
    declared, value = entities()["entities nested nine times"]
    assert [declared.count(f"&e{level};") for level in range(9)] == [10] * 8 + [0]
    assert value == "&e8;"
