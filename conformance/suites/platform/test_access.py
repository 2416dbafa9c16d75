"""BIZ-ACC-03, BIZ-ACC-04, IF-MNT-02, IF-REC-05d: who may do what with which terminal."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.body_cases import good_value
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.reply import Reply
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import (
    HIDDEN,
    accepted,
    good,
    of_terminals,
    other_owner,
    owners_of,
    refused,
    terminals,
)
from conformance.suites.platform.test_client_api import query_of
from specs.client_api import Operation
from specs.declared_platform import User

NOWHERE = "KDN99999999"
SHAREABLE = ("view", "playback", "control", "alarm")
#: What a terminal that is not online answers to somebody who has the right.
OFFLINE = ("device_offline", "device_timeout")


async def on(phone: Phone, operation: Operation, terminal: str) -> Reply:
    """A good request of an operation on a terminal."""
    body: Any = good_value(phone.api, operation.request) if operation.request else None
    return await phone.call(operation.id, body, query=query_of(phone.api, operation), terminal=terminal)


@verifies("BIZ-ACC-04")
async def test_foreign_terminals(owner: Phone, phones: Phones, check: Checks) -> None:
    """Every operation with the ids of another account, beside the same with an id of nobody."""
    other = other_owner(phones, check, "BIZ-ACC-04")
    if other is None:
        return
    stranger = await phones.logged_in(other)
    mine, theirs = await terminals(owner), await terminals(stranger)
    check.step("s1")
    check.control(bool(mine and theirs), say("双方均有终端", "both have terminals"))
    for terminal in mine:
        check.true(
            "BIZ-ACC-04", terminal not in theirs, say("列表不含他人终端", "the list has none of others"), terminal
        )
    for operation in of_terminals(owner.api.operations):
        check.step("s1")
        reply = await on(stranger, operation, mine[0])
        refused(check, "BIZ-ACC-04", reply, *HIDDEN, about=operation.id)
        check.step("s2")
        nobody = await on(stranger, operation, NOWHERE)
        same = (reply.status, reply.body) == (nobody.status, nobody.body)
        expected = say(f"与不存在的编号相同: {nobody.summary}", f"as for an id of nobody: {nobody.summary}")
        check.true("BIZ-ACC-04", same, expected, reply.summary, operation.id)
    check.equal(
        "BIZ-ACC-04", await terminals(owner), mine, say("业主的终端不变", "the owner's terminals are unchanged")
    )


def sharee_of(phones: Phones, owner: Phone) -> User | None:
    """A user with no terminal in common with the owner: the last declared owner that is not the first."""
    users = [user for user in owners_of(phones) if user != owner.user]
    return users[-1] if users else None


async def shared(owner: Phone, terminal: str, phone: str, *rights: str) -> Reply:
    """Share a terminal."""
    return await owner.call("share", {"phone": phone, "rights": list(rights)}, terminal=terminal)


@verifies("BIZ-ACC-03")
async def test_rights_of_a_share(owner: Phone, phones: Phones, check: Checks) -> None:
    """Every pair of right and operation, then none after the withdrawal."""
    user = sharee_of(phones, owner)
    mine = await terminals(owner)
    if user is None or not mine:
        check.inconclusive("BIZ-ACC-03", say("需要第二个用户与终端", "a second user and a terminal are needed"))
        return
    sharee = await phones.logged_in(user)
    judged = [o for o in of_terminals(owner.api.operations) if o.right in SHAREABLE]
    for right in SHAREABLE:
        check.step("s1")
        granted = await shared(owner, mine[0], user.phone, right)
        if not accepted(check, "BIZ-ACC-03", granted, right):
            continue
        for operation in judged:
            reply = await on(sharee, operation, mine[0])
            about = f"{operation.id} with the right {right}"
            if operation.right == right:
                expected = say("不因权限被拒绝", "not refused for want of a right")
                check.true("BIZ-ACC-03", (reply.error not in HIDDEN and reply.status < 500) or reply.error in OFFLINE,
                           expected, reply.summary, about)  # fmt: skip
            else:
                refused(check, "BIZ-ACC-03", reply, "forbidden", about=about)
        check.step("s2")
        accepted(check, "BIZ-ACC-03", await withdrawn(owner, mine[0], str(granted.at("id"))), right)
        for operation in judged:
            refused(
                check, "BIZ-ACC-03", await on(sharee, operation, mine[0]), *HIDDEN, about=f"{operation.id} afterwards"
            )


async def withdrawn(owner: Phone, terminal: str, share: str) -> Reply:
    """Withdraw a share."""
    return await owner.call("unshare", terminal=terminal, share=share)


async def only_for_owners(
    owner: Phone, phones: Phones, check: Checks, requirement: str, operation_id: str, action: str
) -> None:
    """A sharee with every right is refused and that is on record; the owner is not refused for want of a right."""
    user, mine = sharee_of(phones, owner), await terminals(owner)
    if user is None or not mine:
        check.inconclusive(requirement, say("需要第二个用户与终端", "a second user and a terminal are needed"))
        return
    sharee = await phones.logged_in(user)
    check.step("s1")
    granted = await shared(owner, mine[0], user.phone, *SHAREABLE)
    good(check, granted, "share")
    refused(check, requirement, await sharee.call(operation_id, terminal=mine[0]), "forbidden")
    check.step("s2")
    mine_asked = await owner.call(operation_id, terminal=mine[0])
    expected = say("业主的请求不因权限被拒绝", "the owner is not refused for want of a right")
    check.true(requirement, mine_asked.ok or mine_asked.error in OFFLINE, expected, mine_asked.summary)
    await withdrawn(owner, mine[0], str(granted.at("id")))
    operator = phones.of_role("operator")
    if operator is None:
        return
    record = await (await phones.logged_in(operator)).call(
        "audit", query={"terminal": mine[0], "action": action, "size": 100}
    )
    who = [(entry.get("outcome"), bool(entry.get("who")), bool(entry.get("time"))) for entry in record.items]
    refusals = [entry for entry in who if entry == ("forbidden", True, True)]
    check.true(
        requirement, bool(refusals), say("日志含被拒的请求", "the log holds the refused request"), record.summary
    )


@verifies("IF-MNT-02")
async def test_reboot_is_for_owners(owner: Phone, phones: Phones, check: Checks) -> None:
    """A sharee asks for a reboot."""
    await only_for_owners(owner, phones, check, "IF-MNT-02", "reboot", "reboot")


@verifies("IF-REC-05d")
async def test_format_is_for_owners(owner: Phone, phones: Phones, check: Checks) -> None:
    """A sharee asks for a format."""
    await only_for_owners(owner, phones, check, "IF-REC-05d", "format", "format")
