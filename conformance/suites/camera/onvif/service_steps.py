"""Steps that the suites of the ONVIF services share: services that are not there, refusals with their faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif

INVALID = ("env:Sender", "ter:InvalidArgVal")
NO_PROFILE = (*INVALID, "ter:NoProfile")
NO_CONFIG = (*INVALID, "ter:NoConfig")
CONFIG_MODIFY = (*INVALID, "ter:ConfigModify")
NO_SOURCE = (*INVALID, "ter:NoSource")
NO_TOKEN = (*INVALID, "ter:NoToken")
SETTINGS_INVALID = (*INVALID, "ter:SettingsInvalid")
INVALID_POSITION = (*INVALID, "ter:InvalidPosition")
INVALID_VELOCITY = (*INVALID, "ter:InvalidVelocity")
NAMES = {
    "media": say("媒体服务（ver10）", "media service (ver10)"),
    "media2": say("媒体服务 2（ver20）", "media service 2 (ver20)"),
    "imaging": say("图像服务", "imaging service"),
    "ptz": say("云台服务", "PTZ service"),
    "events": say("事件服务", "event service"),
}
SUCCESS = say("成功的应答", "a good answer")


def offered(onvif: Onvif, check: Checks, service: str, *requirements: str) -> bool:
    """Whether the device names the service; where it does not, the requirements are not applicable."""
    if onvif.has(service):
        return True
    name = NAMES[service]
    for requirement in requirements:
        check.not_applicable(requirement, say(f"设备没有{name.zh}", f"the device has no {name.en}"))
    return False


def control_answer(check: Checks, answer: Answer, about: str = "") -> bool:
    """Control leg: a request that has to work works."""
    told = about or answer.operation
    return check.control(answer.ok, say(f"{told} 成功: {answer.summary}", f"{told} works: {answer.summary}"))


def judge_ok(check: Checks, requirement: str, answer: Answer, about: str = "") -> bool:
    """The request is answered with success."""
    return check.true(requirement, answer.ok, SUCCESS, answer.summary, about or answer.operation)


def judge_fault(check: Checks, requirement: str, answer: Answer, codes: tuple[str, ...], about: str = "") -> bool:
    """The request is refused with exactly these codes from outside in."""
    told = answer.fault.codes if answer.fault is not None else ()
    expected = " / ".join(codes)
    held = told[: len(codes)] == codes
    return check.true(requirement, held, say(f"差错 {expected}", f"fault {expected}"), answer.summary, about)


async def judge_unknown(
    onvif: Onvif, check: Checks, requirement: str, requests: Mapping[tuple[str, str], str], codes: tuple[str, ...]
) -> None:
    """Requests, by service and operation, that name what does not exist are refused with these codes."""
    for (service, operation), body in requests.items():
        judge_fault(check, requirement, await onvif.call(service, operation, body), codes, operation)


def unknown_token(taken: Iterable[str]) -> str:
    """A token that is none of these."""
    known, token = set(taken), "kandian-no-such-token"
    while token in known:
        token += "x"
    return token
