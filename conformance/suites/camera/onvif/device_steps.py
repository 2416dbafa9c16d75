"""What the suites of the device service have in common: control legs, refusals, faults."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from specs.model import Text

#: Of class READ_SYSTEM_SECRET: no default policy gives it to anybody but an administrator.
SECRET = ("device", "GetUsers")
NOT_AUTHORIZED = say("HTTP 401 或 env:Sender/ter:NotAuthorized", "HTTP 401 or env:Sender/ter:NotAuthorized")


def good(check: Checks, answer: Answer, about: Text | None = None) -> bool:
    """A control leg: the right request is carried out."""
    told = about or say("正确的请求应成功", "the right request is carried out")
    return check.control(answer.ok, say(f"{told.zh}: {answer.summary}", f"{told.en}: {answer.summary}"))


def unauthorized(check: Checks, requirement: str, answer: Answer, about: Text) -> bool:
    """The credentials are refused."""
    return check.true(requirement, answer.unauthorized, NOT_AUTHORIZED, answer.summary, about)


def answered(check: Checks, requirement: str, answer: Answer, about: Text | str = "") -> bool:
    """The response element of the operation has come."""
    expected = say(f"200，{answer.operation}Response", f"200 with {answer.operation}Response")
    return check.true(requirement, answer.ok, expected, answer.summary, about or answer.operation)


def faulted(check: Checks, requirement: str, answer: Answer, *codes: str, about: Text | str = "") -> bool:
    """The fault carries these codes from outside in. A last code that may differ is left out by the caller."""
    expected = "/".join(codes)
    held = answer.fault is not None and answer.fault.codes[: len(codes)] == codes
    return check.true(requirement, held, expected, answer.summary, about or answer.operation)


def not_offered(answer: Answer) -> bool:
    """Whether the device says that it does not have this operation."""
    return answer.has_fault("ter:ActionNotSupported") or answer.has_fault("ter:OptionalActionNotImplemented")


async def host_name(onvif: Onvif) -> str | None:
    """The name that GetHostname tells, None where there is none."""
    return (await onvif.call("device", "GetHostname")).value("HostnameInformation/Name")
