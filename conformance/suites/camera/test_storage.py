"""IF-REC-04b and 05a to c: a full store and its formatting. Recordings are lost here, so this comes last of them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import DeviceFault
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.record_steps import REFUSED, Records, kept_plan, names, some_recordings
from conformance.suites.camera.registration_steps import longest
from conformance.suites.camera.test_record_switches import NONE_FOUND, appears

MEBIBYTE = 1 << 20
LOOKS = 20


async def _free(province: Province) -> int:
    """FreeSize in MB."""
    return int((await province.command("STORE_QUERY")).message.get("FreeSize") or -1)


@pytest.mark.long
@verifies("IF-REC-04b")
async def test_full_store(province: Province, control: DeviceControl, check: Checks, limits: Limits) -> None:
    """RecordLoop 0 keeps what is there, RecordLoop 1 makes room."""
    limit = limits("IF-REC-04b")
    async with kept_plan(Records(province, province.limits["answer_wait"].seconds)) as records:
        old = await some_recordings(records, check)
        if not old:
            return
        try:
            check.step("s1")
            await records.loop(0)
            await control.do("storage", state="full")
            since = records.now
            await records.full(1)
            check.step("s2")
            await province.wire.sleep(longest(limit.listed_wait) / 2)
            kept = names(await records.search())
            about = say("RecordLoop 0 时的文件", "files with RecordLoop 0")
            check.equal("IF-REC-04b", sorted(kept), sorted(names(old)), about)
            check.step("s3")
            await records.loop(1)
            fresh = await appears(records, since, limit.listed_wait)
            left = names(await records.search())
            check.true("IF-REC-04b", fresh is not None, say("新的录像", "a new recording"), len(left))
            gone = names(old)[-1] not in left
            check.true("IF-REC-04b", gone, say("最旧的文件被覆盖", "the oldest file is gone"), names(old)[-1])
        finally:
            check.step("s4")
            await control.do("storage", state="free")


@verifies("IF-REC-05a", "IF-REC-05b")
async def test_format(province: Province, check: Checks, limits: Limits) -> None:
    """The store is emptied, the signalling goes on, recording works again."""
    limit = limits("IF-REC-05a")
    async with kept_plan(Records(province, limit.answer_wait.seconds)) as records:
        check.step("s1")
        old = await some_recordings(records, check)
        if not old:
            return
        free, link, since = await _free(province), await province.online(), province.wire.now()
        check.step("s2")
        answer = await province.command("STORE_FORMAT", within=longest(limit.answer_wait))
        check.equal("IF-REC-05a", answer.result, 0, "STORE_FORMAT")
        check.step("s3")
        until = answer.answered_at + longest(limit.format_time)
        emptied = False
        while not emptied and province.wire.now() < until:
            await province.wire.sleep(longest(limit.format_time) / LOOKS)
            answered = await _queried(province, check, limits)
            emptied = answered and not set(names(await records.search())) & set(names(old))
        check.true("IF-REC-05a", emptied, say("原有录像已清空", "the old recordings are gone"), emptied)
        after = await _free(province)
        least = free + min(1, sum(file.size for file in old) // MEBIBYTE)
        check.true(
            "IF-REC-05a", after >= least, say(f"FreeSize 不小于 {least} MB", f"FreeSize of {least} MB or more"), after
        )
        _judge_link(province, check, limits, since)
        check.true("IF-REC-05b", link.open, say("连接保持", "the connection stays"), link.open)
        check.step("s4")
        begun = records.now
        await records.full(1)
        found = await appears(records, begun, limits("IF-REC-04").listed_wait)
        check.true("IF-REC-05a", found is not None, say("格式化后可录像", "it records again"), found or NONE_FOUND)


async def _queried(province: Province, check: Checks, limits: Limits) -> bool:
    limit = limits("IF-REC-05b").answer_wait
    try:
        answer = await province.command("GET_CHANNEL", within=longest(limit), ChannelNo=0, StreamType=1)
    except DeviceFault as fault:
        return check.fail("IF-REC-05b", say("格式化期间的应答", "an answer during the format"), fault.text)
    return check.within("IF-REC-05b", answer.seconds, limit, "GET_CHANNEL")


def _judge_link(province: Province, check: Checks, limits: Limits, since: float) -> None:
    beats = [beat.at for beat in province.messages("HEARTBEAT")]
    moments = [*[at for at in beats if at < since][-1:], *(at for at in beats if at >= since), province.wire.now()]
    silence = max((later - at for at, later in pairwise(moments)), default=0.0)
    about = say("最长无心跳时间", "longest time without a heartbeat")
    check.within("IF-REC-05b", silence, limits("IF-REC-05b").silence, about)


@verifies("IF-REC-05c")
async def test_one_key_format(province: Province, check: Checks) -> None:
    """An answer 0 is followed by an empty store."""
    async with kept_plan(Records(province, province.limits["answer_wait"].seconds)) as records:
        check.step("s1")
        old = names(await records.search())
        answer = await province.command("FORMAT")
        if answer.result == REFUSED:
            check.not_applicable("IF-REC-05c", say("设备不支持 FORMAT", "the device does not support FORMAT"))
            return
        check.step("s2")
        await province.wire.sleep(province.limits["liveness_wait"].seconds / LOOKS)
        left = sorted(set(old) & set(names(await records.search())))
        check.equal("IF-REC-05c", (answer.result, left), (0, []), say("剩余录像", "recordings that are left"))
