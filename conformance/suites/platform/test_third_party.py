"""IF-CLI-04, BIZ-MOD-05: third parties: AppKey, Nonce, CurTime and CheckSum, and what lies outside their account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.body_cases import good_value
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.reply import Reply
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import HIDDEN, accepted, good, of_terminals, owners_of, refused, terminals
from conformance.suites.platform.test_client_api import query_of

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


@verifies("BIZ-MOD-05")
async def test_partners(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks) -> None:
    """An application that acts for one account, with the ids of another."""
    application = next((app for app in platform.loaded.applications if app.tenant), None)
    others = [user for user in owners_of(phones) if application and user.name != application.tenant]
    if application is None or not others:
        few = say(
            "声明中没有属于某业主的应用与另一业主",
            "the declaration names no application of an owner beside another owner",
        )
        check.not_applicable("BIZ-MOD-05", few)
        return
    tenant = phones.user(application.tenant)
    mine = await terminals(await phones.logged_in(tenant)) if tenant else []
    theirs = await terminals(await phones.logged_in(others[0]))
    operator = phones.of_role("operator")
    auditor = await phones.logged_in(operator) if operator else None
    if not check.control(bool(mine and theirs), say("双方均有终端", "both have terminals")):
        return
    check.step("s1")

    async def signed(operation_id: str, **more: Any) -> Reply:
        headers = owner.signature(application, owner.nonce(), await platform.platform_now())
        return await phones.new().call(operation_id, session="", headers=headers, **more)

    listed = [str(item.get("id")) for item in (await signed("terminalListed", query={"size": 100})).items]
    check.equal("BIZ-MOD-05", sorted(listed), sorted(mine), say("列表为本方终端", "the list is that of its own"))
    good(check, await signed("terminalShow", terminal=mine[0]), "its own terminal")
    before = await _records(auditor, theirs[0])
    attempts = list(of_terminals(owner.api.operations))
    for operation in attempts:
        body = good_value(owner.api, operation.request) if operation.request else None
        query = query_of(owner.api, operation)
        reply = await signed(operation.id, body=body, query=query, terminal=theirs[0])
        refused(check, "BIZ-MOD-05", reply, *HIDDEN, about=operation.id)
    check.step("s2")
    if auditor is not None:
        after = await _records(auditor, theirs[0])
        recorded = say(f"{len(attempts)} 次越权访问均有记录", f"each of {len(attempts)} attempts is on record")
        held = after - before >= len(attempts)
        check.true("BIZ-MOD-05", held, recorded, say(f"{before} 到 {after}", f"{before} to {after}"))


async def _records(auditor: Phone | None, terminal: str) -> int:
    """How many records there are of a terminal."""
    if auditor is None:
        return 0
    total = (await auditor.call("audit", query={"terminal": terminal, "size": 1})).at("total")
    return total if isinstance(total, int) else 0
