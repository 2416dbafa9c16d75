"""IF-NVR: cameras linked to the channels of a recorder."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from specs.declaration import LoadedDeclaration

FIRST, SECOND, UNKNOWN = "KDN00000071", "KDN00000072", "KDN00000079"
REFUSED = 255


class Recorder:
    """The recorder under test: its commands with the values that a test does not care about."""

    def __init__(self, province: Province, within: float) -> None:
        self.province, self.within = province, within

    async def query(self) -> dict[int, str]:
        """Device ids by channel."""
        answer = await self.province.command("NVR_QUERY_IPCAM", within=self.within)
        return {entry.integer("ChannelNo", -1): entry.get("IpcamDevID") for entry in answer.message.items("Channel")}

    async def link(self, channel: int, device: str) -> int:
        """Result of linking."""
        return await self._send("NVR_LINK_IPCAM", ChannelNo=channel, **self._camera(device, "192.0.2.71"))

    async def modify(self, device: str) -> int:
        """Result of a change of address."""
        return await self._send("NVR_MODIFY_IPCAM", **self._camera(device, "192.0.2.99"))

    async def remove(self, channel: int) -> int:
        """Result of freeing a channel."""
        return await self._send("NVR_DEL_IPCAM", ChannelNo=channel)

    async def clear(self) -> None:
        """Free every channel."""
        for channel in await self.query():
            await self.remove(channel)

    async def _send(self, name: str, **values: Any) -> int:
        return (await self.province.command(name, within=self.within, breaking=True, **values)).result

    @staticmethod
    def _camera(device: str, address: str) -> dict[str, Any]:
        more = {"OnvifPort": 8899, "OnvifAccount": "admin", "OnvifPassword": "sample-password"}
        return {"IpcamDevID": device, "IpcamLocalIP": address, **more}


def _count(declaration: LoadedDeclaration) -> int:
    value = declaration.features.get("channels")
    return value if isinstance(value, int) else 1


@verifies("IF-NVR-01", "IF-NVR-01a", "IF-NVR-01b", "IF-NVR-02c")
async def test_link_modify_remove(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """A link is found by the query, keeps its channel when modified, and is gone after its removal."""
    recorder = Recorder(province, limits("IF-NVR-01").answer_wait.seconds)
    check.step("s1")
    await recorder.clear()
    check.step("s2")
    result = await recorder.link(0, FIRST)
    check.step("s3")
    check.equal("IF-NVR-01", (result, await recorder.query()), (0, {0: FIRST}), "NVR_LINK_IPCAM")
    result = await recorder.modify(FIRST)
    check.equal("IF-NVR-01a", (result, await recorder.query()), (0, {0: FIRST}), "NVR_MODIFY_IPCAM")
    others = {}
    if _count(declaration) > 1:
        others = {1: SECOND}
        check.control(await recorder.link(1, SECOND) == 0, say("绑定第二台", "linking a second camera"))
    result = await recorder.remove(0)
    check.equal("IF-NVR-01b", (result, await recorder.query()), (0, others), "NVR_DEL_IPCAM")
    result = await recorder.remove(0)
    check.equal("IF-NVR-02c", (result, await recorder.query()), (REFUSED, others), say("空通道", "unused channel"))
    result = await recorder.link(0, FIRST)
    again = {0: FIRST, **others}
    check.equal("IF-NVR-01b", (result, await recorder.query()), (0, again), say("再次绑定", "linked again"))
    check.step("s4")
    await recorder.clear()


@verifies("IF-NVR-02", "IF-NVR-02a", "IF-NVR-02b", "IF-NVR-02d")
async def test_refused_links(province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration) -> None:
    """A used channel, one that does not exist, an unknown camera and a camera that is linked already are refused."""
    recorder = Recorder(province, limits("IF-NVR-02").answer_wait.seconds)
    count = _count(declaration)
    await recorder.clear()
    check.step("s1")
    good = await recorder.link(0, FIRST)
    check.control(good == 0, say("空闲通道可绑定", "a free channel can be linked"))
    kept = {0: FIRST}
    check.step("s2")
    used = await recorder.link(0, SECOND)
    check.step("s3")
    check.equal("IF-NVR-02", (used, await recorder.query()), (REFUSED, kept), say("已占用的通道", "used channel"))
    for channel in (count, 99):
        found = await recorder.link(channel, SECOND), await recorder.query()
        check.equal("IF-NVR-02a", found, (REFUSED, kept), f"ChannelNo {channel}")
    found = await recorder.modify(UNKNOWN), await recorder.query()
    check.equal("IF-NVR-02b", found, (REFUSED, kept), say("未绑定的摄像机", "unknown camera"))
    if count > 1:
        found = await recorder.link(1, FIRST), await recorder.query()
        check.equal("IF-NVR-02d", found, (REFUSED, kept), say("重复绑定", "linked twice"))
    else:
        check.not_applicable("IF-NVR-02d", say("只有一个通道", "one channel only"))
    await recorder.clear()
