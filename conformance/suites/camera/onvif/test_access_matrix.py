"""ONV-ACC-01 to ONV-ACC-06: who may call which operation, over every operation of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.client import Auth, OnvifClient
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.onvif_cases import NO_VALUE, Case, guarded_case
from conformance.protocols.soap import element
from conformance.suites.camera.onvif.device_steps import NOT_AUTHORIZED, SECRET
from conformance.suites.camera.onvif.operation_steps import TABLES, Offer, control, look, undo_users
from specs.model import Text
from specs.onvif_operations import Access, OnvifOperation, UserLevel

POLICY = "Security/DefaultAccessPolicy"
NOBODY = say("声明中没有用户", "the declaration names no user")
NO_POLICY = say("设备没有声明 DefaultAccessPolicy", "the device does not signal DefaultAccessPolicy")
LET_IN = say("不因权限被拒绝", "no refusal for lack of rights")
#: Nothing of these is ever asked for without --allow-destructive.
UNRECOVERABLE = (
    ("SetSystemFactoryDefault", element("tds:FactoryDefault", NO_VALUE)),
    ("StartFirmwareUpgrade", ""),
    ("StartSystemRestore", ""),
    ("SystemReboot", ""),
)


def guarded(offer: Offer, *, reads: bool) -> Iterator[tuple[Case, OnvifOperation]]:
    """Requests that do no harm, of the operations that the device has to have, PRE_AUTH left out."""
    for table, operation in offer.operations():
        if operation.access == "PRE_AUTH" or operation.reads is not reads:
            continue
        case = guarded_case(table, operation) if offer.required(table.service, operation) else None
        if case is not None:
            yield case, operation


def by_class(offer: Offer) -> dict[tuple[str, Access], Case]:
    """One request of each access class of each service."""
    found: dict[tuple[str, Access], Case] = {}
    for reads in (True, False):
        for case, operation in guarded(offer, reads=reads):
            found.setdefault((case.service, operation.access), case)
    return found


async def call(client: OnvifClient, case: Case, auth: Auth = "auto") -> Answer:
    """Ask as somebody."""
    return await client.call(case.service, case.name, case.body, auth=auth)


def judge_refused(check: Checks, requirement: str, answer: Answer, about: str | Text) -> bool:
    """Refused for want of rights, and for nothing else."""
    return check.true(requirement, answer.unauthorized, NOT_AUTHORIZED, answer.summary, about)


def open_device(onvif: Onvif, check: Checks, *requirements: str) -> bool:
    """Whether the device has no users, so that nothing of this concerns it."""
    for requirement in requirements if not onvif.client.username else ():
        check.not_applicable(requirement, NOBODY)
    return not onvif.client.username


@verifies("ONV-ACC-01")
async def test_open_operations(onvif: Onvif, check: Checks) -> None:
    """What has to be told to anybody."""
    check.step("s1")
    offer = await look(onvif)
    if not control(check, await onvif.call(*SECRET)):
        return
    check.step("s2")
    for table, operation in offer.operations():
        if operation.access == "PRE_AUTH" and offer.required(table.service, operation):
            case = offer.good(table, operation)
            assert case is not None
            answer = await call(onvif.client, case, "none")
            expected = say(f"200，{case.operation}Response", f"200 with {case.operation}Response")
            check.true("ONV-ACC-01", answer.ok, expected, answer.summary, case.about)


@verifies("ONV-ACC-02")
async def test_without_credentials(onvif: Onvif, check: Checks) -> None:
    """Everything else is for users."""
    if open_device(onvif, check, "ONV-ACC-02"):
        return
    check.step("s1")
    offer = await look(onvif)
    if not control(check, await onvif.call(*SECRET)):
        return
    undo_users(onvif)
    for step, reads in (("s2", True), ("s3", False)):
        check.step(step)
        for case, operation in guarded(offer, reads=reads):
            answer = await call(onvif.client, case, "none")
            judge_refused(check, "ONV-ACC-02", answer, f"{case.about} ({operation.access})")


@verifies("ONV-ACC-03")
async def test_wrong_password(onvif: Onvif, check: Checks) -> None:
    """One operation of each class, with right logins in between, so that no device locks the account."""
    if open_device(onvif, check, "ONV-ACC-03"):
        return
    check.step("s1")
    offer = await look(onvif)
    stranger = onvif.as_user(onvif.client.username, f"wrong-{onvif.wire.random.getrandbits(32):08x}")
    for (service, access), case in by_class(offer).items():
        check.step("s1")
        if not control(check, await onvif.call(*SECRET)):
            return
        check.step("s2")
        answer = await call(stranger, case)
        judge_refused(check, "ONV-ACC-03", answer, f"{service} {access}: {case.operation}")


@verifies("ONV-ACC-04")
async def test_user_level(onvif: Onvif, check: Checks) -> None:
    """Who may look and not touch."""
    await judge_level(onvif, check, "ONV-ACC-04", "User")


@verifies("ONV-ACC-05")
async def test_operator_level(onvif: Onvif, check: Checks) -> None:
    """Who may steer and not administer."""
    await judge_level(onvif, check, "ONV-ACC-05", "Operator")


async def judge_level(onvif: Onvif, check: Checks, requirement: str, level: UserLevel) -> None:
    """Every operation of the table, as a user of that level."""
    if open_device(onvif, check, requirement):
        return
    check.step("s1")
    offer = await look(onvif)
    if not offer.signals("device", POLICY):
        check.not_applicable(requirement, NO_POLICY)
        return
    undo_users(onvif)
    someone = await created(onvif, check, level)
    if someone is None:
        return
    check.step("s2")
    for reads in (True, False):
        for case, operation in guarded(offer, reads=reads):
            answer = await call(someone, case)
            about = f"{case.about} ({operation.access})"
            if TABLES.may(level, operation):
                check.true(
                    requirement, answer.http is not None and not answer.unauthorized, LET_IN, answer.summary, about
                )
            else:
                judge_refused(check, requirement, answer, about)
    check.step("s3")


async def created(onvif: Onvif, check: Checks, level: UserLevel) -> OnvifClient | None:
    """A new user of that level; None, with a control leg that did not hold, where none can be made."""
    random = onvif.wire.random
    name, password = f"kd{random.getrandbits(32):08x}", f"Kd-{random.getrandbits(32):08x}-9a"
    fields = element("tt:Username", name) + element("tt:Password", password) + element("tt:UserLevel", level)
    onvif.undo(partial(onvif.call, "device", "DeleteUsers", element("tds:Username", name)))
    if not control(check, await onvif.call("device", "CreateUsers", element("tds:User", fields))):
        return None
    someone = onvif.as_user(name, password)
    return someone if control(check, await someone.call("device", "GetDeviceInformation")) else None


@verifies("ONV-ACC-06")
async def test_unrecoverable_operations(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """What cannot be taken back."""
    if open_device(onvif, check, "ONV-ACC-06"):
        return
    check.step("s1")
    if not control(check, await onvif.call(*SECRET)):
        return
    check.step("s2")
    for operation, body in UNRECOVERABLE:
        answer = await onvif.call("device", operation, body, auth="none")
        if not answer.has_fault("ter:ActionNotSupported"):
            judge_refused(check, "ONV-ACC-06", answer, operation)
    check.step("s3")
    await onvif.wire.sleep(limits("ONV-ACC-06").watch.seconds)
    answer = await onvif.alive()
    check.true("ONV-ACC-06", answer.http is not None, say("设备仍在运行", "the device still runs"), answer.summary)
