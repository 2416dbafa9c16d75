"""The camera's ONVIF service: the time for anyone, nothing else without a login."""

from __future__ import annotations

from conformance.protocols.http_message import HttpRequest
from simulators.camera.onvif import OnvifService

SOAP = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><%s xmlns="urn:x"/></s:Body></s:Envelope>'
)


def _service() -> OnvifService:
    return OnvifService("127.0.0.1", "KDN00000004", lambda: 1370044800.0)


def test_the_time_is_told_to_anyone() -> None:
    answer = _service().answer(HttpRequest.build("POST", "/onvif/device_service", {}, SOAP % b"GetSystemDateAndTime"))
    assert answer.status == 200
    assert b"<tt:Hour>0</tt:Hour><tt:Minute>0</tt:Minute><tt:Second>0</tt:Second>" in answer.body
    assert b"<tt:Year>2013</tt:Year><tt:Month>6</tt:Month><tt:Day>1</tt:Day>" in answer.body


def test_streams_and_pictures_need_a_login() -> None:
    service = _service()
    for body in (SOAP % b"GetProfiles", SOAP % b"GetStreamUri", SOAP % b"GetSnapshotUri", b""):
        answer = service.answer(HttpRequest.build("POST", "/onvif/media_service", {}, body))
        assert (answer.status, answer.body) == (401, b"")
    assert service.answer(HttpRequest.build("GET", "/onvif/snapshot", {})).status == 401


def test_the_password_is_told_outside_the_secure_profile_only() -> None:
    service = _service()
    assert service.elements(secure=False) == {"Port": 0, "Account": "", "Password": ""}
    service.port = 8899
    assert service.elements(secure=True) == {"Port": 8899, "Account": "admin", "Password": ""}
    assert service.elements(secure=False) == {"Port": 8899, "Account": "admin", "Password": service.password}
    assert len(service.password) == 12
