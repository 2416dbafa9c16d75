"""The camera's ONVIF service: the time for anyone, nothing else without a login."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conformance.protocols.http_message import HttpRequest, HttpResponse
from conformance.protocols.soap import CONTENT_TYPE, envelope
from simulators.camera.camera import Camera
from simulators.camera.declarations import DEFAULT, ONVIF
from simulators.camera.onvif.server import OnvifService
from specs.declaration import load_declaration
from specs.loader import load_catalogue

SOAP = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><%s xmlns="http://www.onvif.org/%s/wsdl"/>'
    b"</s:Body></s:Envelope>"
)


def face(folder: Path, declaration: Path) -> OnvifService:
    """The ONVIF face of a camera that has no power; its clock stands at the first of June 2013, UTC."""
    camera = Camera(load_declaration(declaration, load_catalogue().vocabulary), folder)
    camera.now = lambda: 1370044800.0  # type: ignore[method-assign]
    found = OnvifService(camera)
    found.accounts.users.extend(camera.onvif_users("admin", found.password))
    return found


@pytest.fixture
def service(tmp_path: Path) -> OnvifService:
    """That of the shipped ONVIF camera."""
    return face(tmp_path, ONVIF)


def ask(service: OnvifService, method: str, target: str, body: bytes = b"") -> HttpResponse:
    """The answer to one request."""
    return asyncio.run(service.answer(HttpRequest.build(method, target, {}, body)))


def test_the_time_is_told_to_anyone(service: OnvifService) -> None:
    answer = ask(service, "POST", "/onvif/device_service", SOAP % (b"GetSystemDateAndTime", b"ver10/device"))
    assert answer.status == 200
    assert b"<tt:Hour>0</tt:Hour><tt:Minute>0</tt:Minute><tt:Second>0</tt:Second>" in answer.body
    assert b"<tt:Year>2013</tt:Year><tt:Month>6</tt:Month><tt:Day>1</tt:Day>" in answer.body


def test_streams_and_pictures_need_a_login(service: OnvifService) -> None:
    for name in (b"GetProfiles", b"GetStreamUri", b"GetSnapshotUri"):
        answer = ask(service, "POST", "/onvif/media_service", SOAP % (name, b"ver10/media"))
        assert (answer.status, b"ter:NotAuthorized" in answer.body) == (401, True)
        assert [name for name, _ in answer.headers].count("WWW-Authenticate") == 2
    assert ask(service, "GET", "/onvif/snapshot").status == 401


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (b"", b"ter:WellFormed"),
        (b"<a><b></a>", b"ter:WellFormed"),
        (
            b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>',
            b"env:VersionMismatch",
        ),
        (SOAP % (b"GetNothing", b"ver10/device"), b"ter:UnknownAction"),
        (SOAP % (b"GetUsers", b"ver10/nothing"), b"ter:Namespace"),
    ],
)
def test_what_is_no_request_draws_its_fault(service: OnvifService, body: bytes, codes: bytes) -> None:
    answer = ask(service, "POST", "/onvif/device_service", body)
    assert (answer.status, codes in answer.body) == (400, True)


def test_the_declared_administrator_is_told_outside_the_secure_profile_only(service: OnvifService) -> None:
    assert service.elements(secure=False) == {"Port": 0, "Account": "", "Password": ""}
    service.port = 8899
    assert service.elements(secure=True) == {"Port": 8899, "Account": "admin", "Password": ""}
    assert service.elements(secure=False) == {"Port": 8899, "Account": "admin", "Password": "Wq7-kandian-onvif"}


def test_where_none_is_declared_the_password_is_a_new_one(tmp_path: Path) -> None:
    service = face(tmp_path, DEFAULT)
    service.port = 8899
    assert service.elements(secure=False)["Password"] == service.password
    assert len(service.password) == 12


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/soap+xml; charset=utf-8", 200),
        ('Application/SOAP+XML;action="x"', 200),
        ("text/xml", 200),
        ("text/plain", 415),
        ("image/jpeg", 415),
    ],
)
def test_other_content_types_are_not_read(service: OnvifService, content_type: str, status: int) -> None:
    body = SOAP % (b"GetSystemDateAndTime", b"ver10/device")
    request = HttpRequest.build("POST", "/onvif/device_service", {"Content-Type": content_type}, body)
    assert asyncio.run(service.answer(request)).status == status


@pytest.mark.parametrize(
    ("token", "inside", "told"),
    [
        ("eth0", "", b"<tds:RebootNeeded>false</tds:RebootNeeded>"),
        ("eth0", "<tt:Enabled>true</tt:Enabled>", b"<tds:RebootNeeded>false</tds:RebootNeeded>"),
        ("eth9", "", b"ter:InvalidNetworkInterface"),
        ("eth0", "<tt:IPv4><tt:Manual><tt:Address>1.2.3</tt:Address></tt:Manual></tt:IPv4>", b"ter:InvalidIPv4Address"),
        ("eth0", "<tt:IPv4><tt:Manual><tt:Address>192.0.2.1</tt:Address></tt:Manual></tt:IPv4>", b"ter:Action<"),
        ("eth0", "<tt:Enabled>false</tt:Enabled>", b"ter:Action<"),
    ],
)
def test_the_only_interface_stays_as_it_is(service: OnvifService, token: str, inside: str, told: bytes) -> None:
    fields = f"<tds:InterfaceToken>{token}</tds:InterfaceToken><tds:NetworkInterface>{inside}</tds:NetworkInterface>"
    body = envelope(f"<tds:SetNetworkInterfaces>{fields}</tds:SetNetworkInterfaces>")
    request = HttpRequest.build("POST", "/onvif/device_service", {"Content-Type": CONTENT_TYPE}, body)
    answer = asyncio.run(service.answer(request, service.accounts.users[0]))
    assert told in answer.body
