"""ONV-USR-01 to ONV-USR-07: users, their levels and passwords."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import PROBE, Onvif
from conformance.plugin.marks import verifies
from conformance.protocols.safe_xml import text_content
from conformance.suites.camera.onvif.device_steps import answered, faulted, good, unauthorized

LEVELS = ("Administrator", "Operator", "User")
MISSING = ("env:Sender", "ter:InvalidArgVal", "ter:UsernameMissing")
LOGS_IN = say("该用户可以登录", "the user can log in")
LOCKED_OUT = say("登录被拒绝", "the login is refused")


@dataclass(frozen=True, slots=True)
class Person:
    """A user of a test."""

    name: str
    password: str
    level: str = "User"

    @property
    def xml(self) -> str:
        """As in CreateUsers and SetUser."""
        return (
            f"<tds:User><tt:Username>{text_content(self.name)}</tt:Username>"
            f"<tt:Password>{text_content(self.password)}</tt:Password><tt:UserLevel>{self.level}</tt:UserLevel></tds:User>"
        )


def invent(onvif: Onvif, level: str = "User") -> Person:
    """Somebody nobody knows yet."""
    random = onvif.wire.random
    return Person(f"kd{random.getrandbits(32):08x}", f"Kd-{random.getrandbits(32):08x}-9a", level)


async def create(onvif: Onvif, *people: Person) -> Answer:
    """CreateUsers; whoever is made is removed after the test."""
    for person in people:
        onvif.undo(partial(delete, onvif, person.name))
    return await onvif.call("device", "CreateUsers", "".join(person.xml for person in people))


async def delete(onvif: Onvif, *names: str) -> Answer:
    """DeleteUsers."""
    body = "".join(f"<tds:Username>{text_content(name)}</tds:Username>" for name in names)
    return await onvif.call("device", "DeleteUsers", body)


async def listed(onvif: Onvif) -> dict[str, str]:
    """Level by name, as GetUsers tells them."""
    answer = await onvif.call("device", "GetUsers")
    return {node.value("Username") or "": node.value("UserLevel") or "" for node in answer.all("User")}


async def log_in(onvif: Onvif, person: Person) -> Answer:
    """What somebody of any level may ask, as that person."""
    return await onvif.as_user(person.name, person.password).call(*PROBE)


async def there(onvif: Onvif, check: Checks, level: str = "User") -> Person | None:
    """A user made for a test who can log in (control); None when there is none."""
    person = invent(onvif, level)
    held = good(check, await create(onvif, person), say("创建用户", "a user is created"))
    return person if held and good(check, await log_in(onvif, person), LOGS_IN) else None


@verifies("ONV-USR-01")
async def test_list(onvif: Onvif, check: Checks) -> None:
    """Names and levels, nothing else."""
    check.step("s1")
    answer = await onvif.call("device", "GetUsers")
    if not answered(check, "ONV-USR-01", answer):
        return
    check.step("s2")
    users = answer.all("User")
    names = Counter(node.value("Username") or "" for node in users)
    twice = sorted(name for name, count in names.items() if count > 1 or not name)
    check.equal("ONV-USR-01", twice, [], say("重复或空的用户名", "names twice or empty"))
    strange = sorted({node.value("UserLevel") or "-" for node in users} - set(LEVELS))
    check.equal("ONV-USR-01", strange, [], say("未知的级别", "levels that do not exist"))
    levels = {node.value("Username"): node.value("UserLevel") for node in users}
    if onvif.client.username:
        about = say("所用的管理员", "the administrator in use")
        check.equal("ONV-USR-01", levels.get(onvif.client.username), "Administrator", about)
    telling = [node.value("Username") for node in users if node.value("Password")]
    check.equal("ONV-USR-01", telling, [], say("答复中有密码的用户", "users whose password is told"))


@verifies("ONV-USR-02")
async def test_create(onvif: Onvif, check: Checks) -> None:
    """Somebody who may read, but make nobody."""
    person, other = invent(onvif), invent(onvif)
    check.step("s1")
    if not answered(check, "ONV-USR-02", await create(onvif, person)):
        return
    check.step("s2")
    check.equal("ONV-USR-02", (await listed(onvif)).get(person.name), person.level, person.name)
    check.step("s3")
    check.true("ONV-USR-02", (login := await log_in(onvif, person)).ok, LOGS_IN, login.summary, person.name)
    check.step("s4")
    onvif.undo(lambda: delete(onvif, other.name))
    client = onvif.as_user(person.name, person.password)
    answer = await client.call("device", "CreateUsers", other.xml)
    about = say("User 级别的用户创建用户", "a user of the level User creates one")
    unauthorized(check, "ONV-USR-02", answer, about)
    check.true("ONV-USR-02", other.name not in await listed(onvif), say("没有被创建", "was not created"), other.name)


@verifies("ONV-USR-03")
async def test_name_clash(onvif: Onvif, check: Checks) -> None:
    """One new name, one old."""
    check.step("s1")
    person = await there(onvif, check)
    if person is None:
        return
    check.step("s2")
    other = invent(onvif)
    answer = await create(onvif, other, person)
    faulted(check, "ONV-USR-03", answer, "env:Sender", "ter:OperationProhibited", "ter:UsernameClash")
    check.step("s3")
    names = await listed(onvif)
    check.true("ONV-USR-03", other.name not in names, say("没有被创建", "was not created"), ", ".join(names))


@verifies("ONV-USR-04")
async def test_change(onvif: Onvif, check: Checks) -> None:
    """Another password and level."""
    check.step("s1")
    person = await there(onvif, check)
    if person is None:
        return
    check.step("s2")
    changed = Person(person.name, invent(onvif).password, "Operator")
    answered(check, "ONV-USR-04", await onvif.call("device", "SetUser", changed.xml))
    check.equal("ONV-USR-04", (await listed(onvif)).get(person.name), "Operator", say("新的级别", "the new level"))
    check.step("s3")
    unauthorized(check, "ONV-USR-04", await log_in(onvif, person), say("旧密码", "the old password"))
    found = await log_in(onvif, changed)
    check.true("ONV-USR-04", found.ok, LOGS_IN, found.summary, say("新密码", "the new password"))
    check.step("s4")
    stranger = invent(onvif)
    faulted(check, "ONV-USR-04", await onvif.call("device", "SetUser", stranger.xml), *MISSING, about=stranger.name)


@verifies("ONV-USR-05")
async def test_delete(onvif: Onvif, check: Checks) -> None:
    """Gone for good, and only who was named."""
    check.step("s1")
    person = await there(onvif, check)
    if person is None:
        return
    check.step("s2")
    faulted(check, "ONV-USR-05", await delete(onvif, person.name, invent(onvif).name), *MISSING)
    expected = say("没有被删除", "was not deleted")
    check.true("ONV-USR-05", person.name in await listed(onvif), expected, person.name)
    check.step("s3")
    answered(check, "ONV-USR-05", await delete(onvif, person.name))
    check.step("s4")
    check.true("ONV-USR-05", person.name not in await listed(onvif), say("不在列表中", "not listed"), person.name)
    unauthorized(check, "ONV-USR-05", await log_in(onvif, person), LOCKED_OUT)


@verifies("ONV-USR-06")
async def test_anonymous(onvif: Onvif, check: Checks) -> None:
    """A level that nobody has who logs in."""
    check.step("s1")
    person = await there(onvif, check)
    if person is None:
        return
    check.step("s2")
    nobody = invent(onvif, "Anonymous")
    answer = await create(onvif, nobody)
    faulted(check, "ONV-USR-06", answer, "env:Sender", "ter:OperationProhibited", "ter:AnonymousNotAllowed")
    check.true("ONV-USR-06", nobody.name not in await listed(onvif), say("没有被创建", "was not created"), nobody.name)
    check.step("s3")
    lowered = Person(person.name, person.password, "Anonymous")
    answer = await onvif.call("device", "SetUser", lowered.xml)
    about = say("改为 Anonymous", "changed to Anonymous")
    check.true("ONV-USR-06", answer.fault is not None, say("差错", "a fault"), answer.summary, about)
    check.equal("ONV-USR-06", (await listed(onvif)).get(person.name), person.level, say("级别未变", "the same level"))


@verifies("ONV-USR-07")
async def test_last_administrator(onvif: Onvif, check: Checks) -> None:
    """Nobody saws off the branch."""
    check.step("s1")
    name = onvif.client.username
    own = [user for user, level in (await listed(onvif)).items() if level == "Administrator"]
    if own != [name] or not name:
        reason = say(f"管理员不只一个: {', '.join(own)}", f"there is more than one administrator: {', '.join(own)}")
        check.inconclusive("ONV-USR-07", reason)
        return
    check.step("s2")
    refused = say("差错", "a fault")
    answer = await delete(onvif, name)
    check.true("ONV-USR-07", answer.fault is not None, refused, answer.summary, say("删除", "deleting"))
    check.step("s3")
    # without a password: only the level is to change
    lowered = f"<tds:User><tt:Username>{text_content(name)}</tt:Username><tt:UserLevel>User</tt:UserLevel></tds:User>"
    answer = await onvif.call("device", "SetUser", lowered)
    check.true("ONV-USR-07", answer.fault is not None, refused, answer.summary, say("降低级别", "lowering the level"))
    check.step("s4")
    found = await listed(onvif)
    check.equal("ONV-USR-07", found.get(name), "Administrator", name)
