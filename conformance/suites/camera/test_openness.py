"""IF-OPN-04a: answers of a newer platform."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.answers import Answer, changed
from conformance.peers.province import Province
from conformance.peers.registrar import Registrar
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.registration_steps import longest, online, restart
from conformance.suites.camera.signalling_steps import parameters

NEWER: dict[str, Any] = {
    "SpecVersion": "9.0",
    "Extension": {"Capability": {"Name": "kandian", "Level": "3"}, "Note": "a newer platform"},
}


@verifies("IF-OPN-04a")
async def test_new_elements_in_answers(province: Province, registrar: Registrar, check: Checks, limits: Limits) -> None:
    """Unknown elements, with children, in the answers to registration, login and ability report: online as ever."""
    before = await parameters(province)
    check.step("s1")
    newer: Answer = changed(**NEWER)
    registrar.answer = newer
    province.answers["LOGIN"] = province.answers["ABILITYUP"] = newer
    check.step("s2")
    registrations = len(registrar.received)
    link = await province.online()
    await restart(province)
    within = longest(limits("IF-OPN-04a").back_online)
    await link.ended(within)
    back = await online(province, within)
    check.step("s3")
    registered = len(registrar.received) > registrations
    check.control(registered, say("重启后重新注册", "it registers again after the restart"))
    expected = say("重启后上线", "online after the restart")
    if not check.true("IF-OPN-04a", back is not None, expected, "online" if back else "offline"):
        return
    check.equal("IF-OPN-04a", await parameters(province), before, "GET_CHANNEL")
