"""IF-REG-06: what a device does when its access servers fail."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.province import Province
from conformance.peers.registrar import Registrar
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.registration_steps import arrival, longest, message, relogin
from specs.declaration import LoadedDeclaration
from specs.model import SECONDS


@verifies("IF-REG-06", "IF-REG-06b", "IF-REG-06a", "IF-REG-03")
async def test_access_servers_fail(
    province: Province, registrar: Registrar, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """The backup takes over, the primary comes first at the next reconnect, and without both the device registers."""
    if not await _fail_over(province, check, limits):
        for requirement in ("IF-REG-06b", "IF-REG-06a", "IF-REG-03"):
            check.inconclusive(requirement, say("设备未切换到备用", "the device did not change to the backup"))
        return
    await _back_to_primary(province, check, limits)
    await province.online(within=province.limits["back_online_wait"].seconds)
    check.step("s1")
    limit = limits("IF-REG-06a").register_within
    seen, lost = len(registrar.received), province.wire.now()
    await province.backup.stop()
    await province.primary.stop()
    await province.primary.start(province.primary.host, 0)
    check.step("s2")
    registered = await arrival(registrar.received, seen + 1, longest(limit))
    if registered is None:
        check.fail("IF-REG-06a", str(limit), say("未重新注册", "no new registration"))
        check.inconclusive("IF-REG-03", say("设备未重新注册", "the device did not register again"))
    else:
        check.within("IF-REG-06a", (registered.at - lost) / SECONDS[limit.unit], limit)
        check.step("s3")
        login = await message(province, "LOGIN", longest(limits("IF-REG-03").connect_within))
        port = province.primary.port
        expected = say(f"登录到新端口 {port}", f"a login at the new port {port}")
        for requirement in ("IF-REG-06a", "IF-REG-03"):
            check.true(requirement, login is not None, expected, login.link.server if login else "silence")
    if declaration.declaration.bench.access_port:
        await province.primary.stop()
        await province.primary.start(province.primary.host, declaration.declaration.bench.access_port)


async def _fail_over(province: Province, check: Checks, limits: Limits) -> bool:
    """IF-REG-06. Whether the device went to the backup."""
    limit = limits("IF-REG-06").failover_within
    link = await province.online()
    if link.server != "primary":
        link = (await relogin(province)).link
        await province.online()
    check.step("s1")
    check.control(link.server == "primary", say("设备在主服务器在线", "the device is online at the primary"))
    check.step("s2")
    lost = province.wire.now()
    await province.primary.stop()
    check.step("s3")
    login = await message(province, "LOGIN", longest(limit))
    if login is None:
        return check.fail("IF-REG-06", say("在备用服务器登录", "a login at the backup"), say("未登录", "none"))
    check.within("IF-REG-06", login.at - lost, limit)
    await province.online(within=longest(limit))
    return check.equal("IF-REG-06", login.link.server, "backup", say("登录的服务器", "server of the login"))


async def _back_to_primary(province: Province, check: Checks, limits: Limits) -> None:
    """IF-REG-06b, with the device online at the backup."""
    limit, primary = limits("IF-REG-06b"), province.primary
    link = await province.online()
    await primary.restart()
    check.step("s2")
    seen = len(primary.attempts)
    await province.wire.sleep(limit.quiet_window.seconds)
    stays = link.open and len(primary.attempts) == seen
    check.true("IF-REG-06b", stays, say("保持在备用服务器", "the device stays at the backup"), f"open {link.open}")
    check.step("s3")
    link.close()
    login = await message(province, "LOGIN", longest(limit.reconnect_within))
    server = login.link.server if login else say("未登录", "none")
    check.equal("IF-REG-06b", server, "primary", say("下一次登录的服务器", "server of the next login"))
