"""IF-CLI-04: the third-party form of requests, AppKey, Nonce, CurTime and CheckSum."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone
from conformance.peers.platform.reply import Reply
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import accepted, good, refused

Pairs = Sequence[tuple[str, str]]
REFUSALS = ("bad_signature", "no_session", "bad_request")


async def ask(phone: Phone, headers: Pairs) -> Reply:
    """The list of shops, signed so."""
    return await phone.call("shops", session="", headers=headers)


def but(headers: Pairs, name: str, value: str | None) -> list[tuple[str, str]]:
    """The same headers with one changed, or left out with None."""
    return [(key, kept if key != name else value) for key, kept in headers if key != name or value is not None]  # type: ignore[misc]


@verifies("IF-CLI-04")
async def test_signed_requests(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Both sides of the window, repeated nonces, every field altered."""
    if not platform.loaded.applications:
        check.not_applicable("IF-CLI-04", say("声明中没有第三方应用", "the declaration names no application"))
        return
    application = platform.loaded.applications[0]
    window = owner.api.check_sum.window
    margin = limits("IF-CLI-04").margin.seconds
    now = await platform.platform_now()

    def signed(at: float = now) -> list[tuple[str, str]]:
        return owner.signature(application, owner.nonce(), at)

    check.step("s1")
    for offset in (0.0, window - margin, margin - window):
        accepted(check, "IF-CLI-04", await ask(owner, signed(now + offset)), f"CurTime {offset:+g} s")
    for offset in (window + margin, -window - margin):
        refused(check, "IF-CLI-04", await ask(owner, signed(now + offset)), "skew", about=f"CurTime {offset:+g} s")
    check.step("s2")
    used = signed()
    good(check, await ask(owner, used))
    refused(check, "IF-CLI-04", await ask(owner, used), "replay", about="the same nonce again")
    other = application.app_key[:-1] + ("0" if application.app_key[-1] != "0" else "1")
    for name, value in (
        ("AppKey", other),
        ("Nonce", owner.nonce()),
        ("CurTime", str(int(now) + 1)),
        ("CheckSum", "0" * 40),
        ("CheckSum", None),
        ("Nonce", None),
        ("CurTime", None),
        ("Nonce", ""),
        ("CurTime", "now"),
    ):
        reply = await ask(owner, but(signed(), name, value))
        refused(check, "IF-CLI-04", reply, *REFUSALS, about=f"{name} {'missing' if value is None else 'altered'}")
    headers = signed()
    upper = but(headers, "CheckSum", dict(headers)["CheckSum"].upper())
    refused(check, "IF-CLI-04", await ask(owner, upper), *REFUSALS, about="CheckSum in upper case")
    good(check, await ask(owner, signed()), "at the end")
