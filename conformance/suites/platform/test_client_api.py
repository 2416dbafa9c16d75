"""IF-CLI-02, IF-CLI-05, IF-CLI-08, IF-CLI-09, IF-CLI-10: the definition of the client interface, read and broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.platform.body_cases import bad_bodies, good_value
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.reply import Reply, flaws
from conformance.plugin.marks import verifies
from conformance.plugin.run import Run
from conformance.suites.exploration import Finding, explore
from conformance.suites.platform.client_steps import conforming, good, refused, terminals
from specs.client_api import ClientApi, Operation

PROFILE = "client"
NOBODY = "kandian-no-such-session"
#: Operations whose good sample would end the phone's session, bind, or cost somebody money.
HARMFUL = {"logout", "sendCode", "login", "loginByCode", "changePassword"}
LIMIT_OF_BODY = 1 << 20
UNKNOWN = "kandian-none"


def reading(api: ClientApi) -> Iterator[Operation]:
    """What is read without changing anything and without a device."""
    for operation in api.operations:
        if (
            operation.method == "GET"
            and set(operation.parameters) <= {"terminal"}
            and "device_offline" not in (operation.errors)
        ):
            yield operation


def query_of(api: ClientApi, operation: Operation) -> dict[str, Any]:
    """The parameters of a query that have to be there."""
    times = {"start": "2013-08-01T00:00:00Z", "end": "2013-08-02T00:00:00Z"}
    return {p.name: times.get(p.name) or good_value(api, p.schema) for p in operation.query if p.required}


@verifies("IF-CLI-02")
async def test_reading_by_the_definition(owner: Phone, check: Checks) -> None:
    """Every reading operation answers as the document says."""
    check.step("s1")
    mine = await terminals(owner)
    check.control(bool(mine), say("业主有终端", "the owner has terminals"))
    check.step("s2")
    for operation in reading(owner.api):
        path: dict[str, Any] = {"terminal": mine[0]} if operation.parameters and mine else {}
        reply = await owner.call(operation.id, query=query_of(owner.api, operation), **path)
        if reply.error not in ("forbidden", "not_found"):
            conforming(check, "IF-CLI-02", owner, reply, operation.id)
    told = (await owner.call("version", session="")).at("api")
    check.true("IF-CLI-02", bool(told), say("接口版本", "a version of the interface"), told)


@verifies("IF-CLI-05")
async def test_one_list_of_errors(owner: Phone, phones: Phones, check: Checks) -> None:
    """Each error that can be provoked without a device."""
    mine = [*await terminals(owner), UNKNOWN]
    assert owner.user is not None
    wrong = {"phone": owner.user.phone, "password": "kandian-wrong-password"}
    stranger = phones.new()
    provoked = {
        "no_session": stranger.call("shops"),
        "session_invalid": stranger.call("shops", session=NOBODY),
        "bad_credentials": stranger.call("login", {**wrong, "phone": "10000000001"}),
        "bad_request": owner.call("bind", {}),
        "not_json": owner.call("bind", b"shop=1", headers=[("Content-Type", "text/plain")]),
        "too_large": owner.call("bind", b'{"shop": "' + b"x" * LIMIT_OF_BODY + b'"}'),
        "not_found": owner.call("terminalShow", terminal=UNKNOWN),
        "device_offline": owner.call(
            "play", good_value(owner.api, {"$ref": "#/components/schemas/Watch"}), terminal=mine[0]
        ),
    }
    check.step("s1")
    for name, asked in provoked.items():
        reply = await asked
        if name == "device_offline" and reply.ok:
            continue
        check.step("s2")
        refused(check, "IF-CLI-05", reply, name)
        conforming(check, "IF-CLI-05", owner, reply, name)
        message = reply.at("message")
        both = isinstance(message, dict) and bool(message.get("zh")) and bool(message.get("en"))
        check.true("IF-CLI-05", both, say("中英文说明", "a message in both languages"), str(message)[:80], name)
    good(check, await owner.call("shops"))


@verifies("IF-CLI-08")
async def test_bodies_against_the_definition(owner: Phone, check: Checks) -> None:
    """Every body with one mistake is refused."""
    mine = await terminals(owner)
    before = await owner.call("terminalListed")
    good(check, before)
    if not mine:
        return
    for operation in owner.api.operations:
        if operation.request is None or operation.open or not set(operation.parameters) <= {"terminal"}:
            continue
        path: dict[str, Any] = {"terminal": mine[0]} if operation.parameters else {}
        check.step("s1")
        for about, body in bad_bodies(owner.api, operation.request):
            reply = await owner.call(operation.id, body, **path)
            if reply.error not in ("forbidden", "device_offline"):
                refused(check, "IF-CLI-08", reply, "bad_request", "too_large", about=f"{operation.id}: {about}")
            conforming(check, "IF-CLI-08", owner, reply, f"{operation.id}: {about}")
    check.step("s2")
    after = await owner.call("terminalListed")
    check.equal("IF-CLI-08", after.at("items"), before.at("items"), say("终端列表不变", "the list is unchanged"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


def bodies_of(api: ClientApi, operation: Operation) -> st.SearchStrategy[Any]:
    """Anything: JSON of any form, a good body with one value replaced, bytes."""
    sample = good_value(api, operation.request or {})
    names = st.sampled_from(sorted(sample) or ["shop"])
    replaced = st.tuples(names, JSON).map(lambda pair: {**sample, pair[0]: pair[1]})
    return JSON.filter(lambda body: body is not None) | replaced | st.binary(min_size=1, max_size=40)


@verifies("IF-CLI-09")
def test_any_body(run: Run, owner: Phone, check: Checks) -> None:
    """Hypothesis looks for a body that draws anything but an answer of the definition."""
    check.step("s1")
    api = owner.api
    operations = [o for o in api.operations if o.request is not None and not o.parameters and o.id not in HARMFUL]
    strategy = st.sampled_from(operations).flatmap(lambda o: st.tuples(st.just(o), bodies_of(api, o)))

    async def trial(tried: tuple[Operation, Any]) -> Finding | None:
        operation, body = tried
        reply = await owner.call(operation.id, body)
        wrong = flaws(api, reply) or ([reply.summary] if reply.status >= 500 else [])
        if not wrong:
            return None
        told = say(f"{operation.id}: {wrong[0]}", f"{operation.id}: {wrong[0]}")
        return Finding(say("与接口定义一致的应答", "an answer that fits the definition"), told, reply.sent, reply.raw)

    async def ready() -> None:
        if not (await owner.call("version", session="")).ok:
            raise DeviceFault("平台没有应答", "the platform does not answer")

    explore(run, check, "IF-CLI-09", strategy, trial, ready, PROFILE)


@verifies("IF-CLI-10")
async def test_oldest_client(owner: Phone, check: Checks) -> None:
    """A client below the stated version is told to upgrade."""
    check.step("s1")
    stated = str((await owner.call("version", session="")).at("minimumClient") or "")
    numbers = [int(part) for part in stated.split(".") if part.isdigit()]
    if not any(numbers):
        check.not_applicable("IF-CLI-10", say("平台未规定最低版本", "the platform states no least version"))
        return
    older = list(numbers)
    place = max(index for index, number in enumerate(older) if number)
    older[place] -= 1
    good(check, await with_version(owner, stated))
    check.step("s2")
    reply = await with_version(owner, ".".join(map(str, older)))
    refused(check, "IF-CLI-10", reply, "client_too_old")
    told = reply.at("upgradeUrl")
    check.true("IF-CLI-10", bool(told), say("升级地址", "the address of the upgrade"), str(told))


async def with_version(phone: Phone, version: str) -> Reply:
    """The list of shops as asked by a client of that version."""
    return await phone.call("shops", headers=[("X-Client-Version", version)])
