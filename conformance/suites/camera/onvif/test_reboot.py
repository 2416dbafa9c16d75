"""ONV-RBT-01 to ONV-RBT-03: SystemReboot."""

from __future__ import annotations

from functools import partial

from conformance.model.checks import Checks, say
from conformance.peers.onvif.discovery import Listener
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.onvif.device_steps import SECRET, good, host_name, unauthorized
from conformance.suites.camera.onvif.discovery_steps import first_after, found
from conformance.suites.camera.onvif.reboot_steps import information, rebooted
from conformance.suites.camera.onvif.test_device import scope_list
from conformance.suites.camera.onvif.test_network import keep_host_name, set_host_name
from conformance.suites.camera.onvif.test_users import create, invent, log_in

FIELDS = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber", "HardwareId")
KEPT = say("重启前后相同", "the same before and after")


@verifies("ONV-RBT-01")
async def test_reboot(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Away and back."""
    check.step("s1")
    before = await information(onvif)
    if not good(check, before):
        return
    check.step("s2")
    if not await rebooted(onvif, check, "ONV-RBT-01", limits("ONV-RBT-01").gone_wait):
        return
    check.step("s4")
    after = await information(onvif)
    for name in FIELDS:
        check.equal("ONV-RBT-01", after.value(name), before.value(name), say(f"{name} {KEPT.zh}", f"{name} {KEPT.en}"))
    if onvif.client.username:
        answer = await onvif.call(*SECRET, auth="none")
        unauthorized(check, "ONV-RBT-01", answer, say("没有凭据的请求", "a request without credentials"))


@verifies("ONV-RBT-02")
async def test_kept_settings(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A name, a scope, a user."""
    check.step("s1")
    keep_host_name(onvif, await host_name(onvif))
    name = f"kandian-{onvif.wire.random.getrandbits(24):06x}"
    scope = f"onvif://www.onvif.org/location/{name}"
    item = f"<tds:ScopeItem>{scope}</tds:ScopeItem>"
    onvif.undo(partial(onvif.call, "device", "RemoveScopes", item))
    person = invent(onvif)
    for answer in (
        await set_host_name(onvif, name),
        await onvif.call("device", "AddScopes", item),
        await create(onvif, person),
    ):
        if not good(check, answer, say(answer.operation, answer.operation)):
            return
    check.step("s2")
    if not await rebooted(onvif, check, "ONV-RBT-02", limits("ONV-RBT-02").gone_wait):
        return
    check.step("s3")
    check.equal("ONV-RBT-02", await host_name(onvif), name, say("主机名", "host name"))
    scopes = [item for _, item in scope_list(await onvif.call("device", "GetScopes"))]
    check.true("ONV-RBT-02", scope in scopes, scope, ", ".join(scopes), say("范围", "scope"))
    login = await log_in(onvif, person)
    check.true("ONV-RBT-02", login.ok, say("用户可以登录", "the user can log in"), login.summary, person.name)


@verifies("ONV-RBT-03")
async def test_bye_and_hello(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Who goes says so, who comes says so."""
    numbers = limits("ONV-RBT-03")
    check.step("s1")
    target = await found(onvif, check, numbers.answer_wait)
    if target is None:
        return
    check.step("s2")
    listener = Listener(onvif.wire, onvif.interface)
    await listener.start()
    try:
        begun = onvif.wire.now()
        if not await rebooted(onvif, check, "ONV-RBT-03", numbers.gone_wait):
            return
        until = onvif.wire.now() + numbers.hello_wait.seconds
        while not listener.of("Hello", target.endpoint) and onvif.wire.now() < until:
            await onvif.wire.sleep(onvif.limits["listening_step"].seconds)
    finally:
        listener.stop()
    check.step("s3")
    bye = first_after(listener.of("Bye", target.endpoint), begun)
    heard = ", ".join(one.message.kind for one in listener.heard if one.message is not None) or "-"
    check.true("ONV-RBT-03", bye is not None, say("Bye", "Bye"), heard, target.endpoint)
    check.step("s4")
    hello = first_after(listener.of("Hello", target.endpoint), bye.at if bye else begun)
    check.true("ONV-RBT-03", hello is not None, say("Bye 之后的 Hello", "Hello after Bye"), heard, target.endpoint)
    if hello is not None and hello.message is not None:
        told = hello.message.targets[0]
        for name, values in (("Types", told.types), ("Scopes", told.scopes), ("XAddrs", told.addresses)):
            check.true("ONV-RBT-03", bool(values), say(f"Hello 中有 {name}", f"{name} in the Hello"), values, name)
