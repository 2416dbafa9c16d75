"""ONV-AUT-08 to ONV-AUT-10: HTTP digest."""

from __future__ import annotations

import re

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.http_login import HttpLogin, read_challenges
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.marks import verifies
from conformance.suites.camera.onvif.device_steps import SECRET, answered, good

NO_DIGEST = say("设备不支持 HTTP 摘要认证", "the device does not support HTTP digest")
DEFAULT = ("MD5",)


async def challenged(onvif: Onvif) -> Answer:
    """What a request without credentials draws."""
    return await onvif.call(*SECRET, auth="none")


async def offers_digest(onvif: Onvif, check: Checks, requirement: str) -> bool:
    """Whether the device supports HTTP digest: by its capabilities, or by a challenge; else it is not concerned."""
    answer = await onvif.call("device", "GetServiceCapabilities")
    security = answer.body.at("Capabilities/Security") if answer.body is not None else None
    if security is not None and security.attribute("HttpDigest") == "true":
        return True
    first = await challenged(onvif)
    if first.http is not None and any(challenge.is_digest for challenge in read_challenges(first.http)):
        return True
    return check.not_applicable(requirement, NO_DIGEST)


@verifies("ONV-AUT-08")
async def test_http_digest(onvif: Onvif, check: Checks) -> None:
    """A challenge, its answer, its second use."""
    if not await offers_digest(onvif, check, "ONV-AUT-08"):
        return
    check.step("s1")
    first = await challenged(onvif)
    offered = [one for one in read_challenges(first.http) if one.is_digest] if first.http is not None else []
    expected = say("401 与含 realm、nonce 的 Digest 质询", "401 and a Digest challenge with realm and nonce")
    held = first.status == 401 and any(one.realm and one.nonce for one in offered)
    if not check.true("ONV-AUT-08", held, expected, first.summary):
        return
    for step in ("s2", "s3"):
        check.step(step)
        answered(check, "ONV-AUT-08", await onvif.call(*SECRET, auth="digest"))


def altered(header: str, name: str) -> str:
    """Credentials with the last character of one quoted field changed."""

    def change(found: re.Match[str]) -> str:
        last = "0" if found[2] != "0" else "1"
        return f'{found[1]}{last}"'

    return re.sub(rf'(\b{name}="[^"]*)([^"])"', change, header, count=1)


@verifies("ONV-AUT-09")
async def test_altered_answers(onvif: Onvif, check: Checks) -> None:
    """One field of a right answer changed."""
    if not await offers_digest(onvif, check, "ONV-AUT-09"):
        return
    check.step("s1")
    if not good(check, await onvif.call(*SECRET, auth="digest")):
        return
    check.step("s2")
    data = onvif.client.envelope(*SECRET, auth="none")
    for name in ("response", "nonce", "uri", "username"):
        login = HttpLogin(onvif.wire, onvif.client.username, onvif.client.password)
        first = await challenged(onvif)
        if first.http is None or not login.learn(first.http):
            check.control(False, say("没有质询", "there is no challenge"))
            return
        header = login.authorize("POST", onvif.client.target("device"))
        answer = await onvif.client.post(data, headers=[("Authorization", altered(header, name))])
        expected = say("401；uri 不符时也可为 400", "401; 400, too, where the uri does not fit")
        held = answer.unauthorized or (name == "uri" and answer.status == 400)
        check.true("ONV-AUT-09", held, expected, answer.summary, say(f"改动 {name}", f"{name} altered"))


@verifies("ONV-AUT-10")
async def test_algorithms(onvif: Onvif, check: Checks) -> None:
    """Every announced algorithm."""
    if not await offers_digest(onvif, check, "ONV-AUT-10"):
        return
    check.step("s1")
    answer = await onvif.call("device", "GetServiceCapabilities")
    security = answer.body.at("Capabilities/Security") if answer.body is not None else None
    told = (security.attribute("HashingAlgorithms") or "") if security is not None else ""
    check.step("s2")
    data = onvif.client.envelope(*SECRET, auth="none")
    for algorithm in tuple(told.replace(",", " ").split()) or DEFAULT:
        user = onvif.as_user(onvif.client.username, onvif.client.password)
        found = await user.post(data, auth="digest", algorithm=algorithm.upper())
        expected = say(f"{algorithm} 质询及对其应答的接受", f"a challenge of {algorithm}, and its answer is taken")
        check.true("ONV-AUT-10", found.status == 200, expected, found.summary, algorithm)
