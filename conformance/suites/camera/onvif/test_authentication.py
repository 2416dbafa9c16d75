"""ONV-AUT-01 to ONV-AUT-07: who may ask, and which UsernameTokens are taken."""

from __future__ import annotations

from dataclasses import replace

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.client import Auth, OnvifClient
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.ws_security import TEXT, UsernameToken
from conformance.suites.camera.onvif.device_steps import SECRET, answered, good, host_name, unauthorized

UNKNOWN_KIND = "urn:kandian:unknown-password-type"
FREE = (
    ("GetSystemDateAndTime", ""),
    ("GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>"),
    ("GetServiceCapabilities", ""),
    ("GetCapabilities", "<tds:Category>All</tds:Category>"),
    ("GetHostname", ""),
)
NO_TOKENS = say("设备不接受 UsernameToken", "the device takes no UsernameToken")


def has_tokens(onvif: Onvif, check: Checks, requirement: str) -> bool:
    """Whether the device takes UsernameTokens at all; where not, the requirement does not concern it."""
    found = onvif.mechanisms.get("token", False)
    return found or check.not_applicable(requirement, NO_TOKENS)


async def ask(onvif: Onvif, token: UsernameToken | None = None, auth: Auth = "none") -> Answer:
    """Ask for what only an administrator gets."""
    return await onvif.call(*SECRET, auth=auth, token=token)


@verifies("ONV-AUT-01")
async def test_no_credentials(onvif: Onvif, check: Checks) -> None:
    """Reading and writing without a login."""
    if not onvif.client.username:
        check.not_applicable("ONV-AUT-01", say("声明中没有用户", "the declaration names no user"))
        return
    check.step("s1")
    before = await host_name(onvif)
    good(check, await onvif.call(*SECRET))
    check.step("s2")
    onvif.undo(lambda: onvif.call("device", "SetHostname", f"<tds:Name>{before or ''}</tds:Name>"))
    for operation, body in (
        ("GetUsers", ""),
        ("GetNetworkProtocols", ""),
        ("GetScopes", ""),
        ("SetHostname", "<tds:Name>kandian-nobody</tds:Name>"),
    ):
        answer = await onvif.call("device", operation, body, auth="none")
        unauthorized(check, "ONV-AUT-01", answer, say(f"没有凭据的 {operation}", f"{operation} without credentials"))
    check.step("s3")
    check.equal("ONV-AUT-01", await host_name(onvif), before, say("主机名", "host name"))


@verifies("ONV-AUT-02")
async def test_wrong_credentials(onvif: Onvif, check: Checks) -> None:
    """Another password, another name, by every mechanism."""
    if not onvif.client.username:
        check.not_applicable("ONV-AUT-02", say("声明中没有用户", "the declaration names no user"))
        return
    nobody = f"nobody{onvif.wire.random.getrandbits(24):06x}"
    password = f"wrong-{onvif.wire.random.getrandbits(32):08x}"
    for mechanism in ("token", "digest"):
        if not onvif.mechanisms.get(mechanism):
            continue
        auth: Auth = "token" if mechanism == "token" else "digest"
        check.step("s1")
        good(check, await ask(onvif, auth=auth), say(f"正确的凭据 ({auth})", f"the right credentials ({auth})"))
        for step, name in (("s2", onvif.client.username), ("s3", nobody)):
            check.step(step)
            stranger: OnvifClient = onvif.as_user(name, password)
            answer = await stranger.call(*SECRET, auth=auth)
            unauthorized(check, "ONV-AUT-02", answer, say(f"用户 {name} ({auth})", f"user {name} ({auth})"))


@verifies("ONV-AUT-03")
async def test_free_operations(onvif: Onvif, check: Checks) -> None:
    """What everybody may ask."""
    for operation, body in FREE:
        check.step("s1")
        if not good(check, await onvif.call("device", operation, body), say(operation, operation)):
            continue
        check.step("s2")
        answered(check, "ONV-AUT-03", await onvif.call("device", operation, body, auth="none"))


@verifies("ONV-AUT-04")
async def test_incomplete_tokens(onvif: Onvif, check: Checks) -> None:
    """A token that could be used for ever."""
    if not has_tokens(onvif, check, "ONV-AUT-04"):
        return
    client = onvif.client
    check.step("s1")
    good(check, await ask(onvif, client.token()))
    for step, nonce, created in (("s2", False, True), ("s3", True, False), ("s4", False, False)):
        check.step(step)
        kept = client.token_of(with_nonce=nonce, with_created=created)
        left_out = " + ".join(name for name, there in (("Nonce", nonce), ("Created", created)) if not there)
        answer = await ask(onvif, kept)
        unauthorized(check, "ONV-AUT-04", answer, say(f"缺少 {left_out} 的令牌", f"a token without {left_out}"))


@verifies("ONV-AUT-05")
async def test_password_types(onvif: Onvif, check: Checks) -> None:
    """The right digest under another name."""
    if not has_tokens(onvif, check, "ONV-AUT-05"):
        return
    check.step("s1")
    good(check, await ask(onvif, onvif.client.token()))
    check.step("s2")
    for kind, zh, en in (
        (TEXT, "PasswordText 类型", "type PasswordText"),
        (UNKNOWN_KIND, "未知类型", "an unknown type"),
        ("", "没有类型", "no type"),
    ):
        answer = await ask(onvif, replace(onvif.client.token(), kind=kind))
        unauthorized(check, "ONV-AUT-05", answer, say(f"摘要，{zh}", f"a digest under {en}"))


@verifies("ONV-AUT-06")
async def test_replayed_nonce(onvif: Onvif, check: Checks) -> None:
    """The same token twice."""
    if not has_tokens(onvif, check, "ONV-AUT-06"):
        return
    token = onvif.client.token()
    check.step("s1")
    good(check, await ask(onvif, token))
    check.step("s2")
    unauthorized(check, "ONV-AUT-06", await ask(onvif, token), say("用过的令牌", "a token that was used"))
    check.step("s3")
    good(check, await ask(onvif, onvif.client.token()))


@verifies("ONV-AUT-07")
async def test_stale_token(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A token of the past."""
    if not has_tokens(onvif, check, "ONV-AUT-07"):
        return
    client, numbers = onvif.client, limits("ONV-AUT-07")
    check.step("s1")
    good(check, await onvif.client.synchronize())
    for sign in (1, -1):
        good(check, await ask(onvif, client.token(at=client.device_now + sign * numbers.tolerated.seconds)))
    check.step("s2")
    stale = client.token(at=client.device_now - numbers.stale.seconds)
    about = say(f"{numbers.stale.seconds:g} 秒之前的令牌", f"a token {numbers.stale.seconds:g} s old")
    unauthorized(check, "ONV-AUT-07", await ask(onvif, stale), about)
