"""CS-CRE-01d, CS-CRE-02, CS-UPL-01, CS-UPL-03, CS-UPL-08 and IF-REC-06a: recordings go to the cloud storage."""

from __future__ import annotations

import re
from datetime import timedelta

from conformance.media.recording_file import seconds_of_video
from conformance.model.checks import Checks, say
from conformance.peers.bench import Bench
from conformance.peers.cloud_store import Upload
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.cloud_steps import (
    NO_SPACE,
    UPLOADED,
    CloudAccount,
    CloudBench,
    cloud_bench,
    start_digits,
)
from conformance.suites.camera.record_steps import Recording
from conformance.suites.camera.registration_steps import longest

NOT_DIGITS = re.compile(r"[^0-9]")
ONE_FOR_EACH = say("每段录像一个对象", "one object for each recording")


@verifies("CS-UPL-01", "CS-UPL-08", "CS-CRE-01d")
async def test_names_and_accounts(bench: Bench, check: Checks, limits: Limits) -> None:
    """Uploads of one account, then of another one."""
    limit = limits("CS-UPL-01")
    async with cloud_bench(bench, limit.answer_wait) as cloud:
        check.step("s1")
        old = cloud.account()
        await cloud.give(old)
        count = int(limit.objects.number)
        begun = cloud.records.now
        uploads: list[Upload] = []
        for number in range(1, count + 1):
            await cloud.record(limit.recording)
            uploads = await cloud.uploads(old, number, limit.upload_wait)
            if len(uploads) < number:
                break
        check.true("CS-UPL-08", bool(uploads), UPLOADED, _attempts(cloud))
        check.step("s2")
        files = [file for file in await cloud.records.search() if file.start >= begun.replace(microsecond=0)]
        _judge_names(cloud, uploads, sorted(files, key=lambda file: file.start_text), count, check, limits)
        await _judge_change(cloud, old, bool(uploads), check, limits)


def _attempts(cloud: CloudBench) -> str:
    attempts = [f"{a.method} {a.target} {a.refused}".strip() for a in cloud.store.attempts[-3:]]
    return "; ".join(attempts) or "no request"


def _judge_names(
    cloud: CloudBench, uploads: list[Upload], files: list[Recording], count: int, check: Checks, limits: Limits
) -> None:
    """CS-UPL-01."""
    keys = [upload.key for upload in uploads]
    if len(keys) < count:
        check.fail("CS-UPL-01", say(f"{count} 个对象", f"{count} objects"), f"{len(keys)}: {_attempts(cloud)}")
        return
    check.equal("CS-UPL-01", len(set(keys)), len(keys), say("不重复的对象名", "different names"))
    device = cloud.province.device_id
    check.equal(
        "CS-UPL-01", [key for key in keys if device not in key], [], say("不含设备编号", "without the device id")
    )
    unnamed = [file.name for file in files if not any(_tells_start(key, file, limits) for key in keys)]
    check.equal("CS-UPL-01", unnamed, [], say("起始时间不见于任何对象名", "start time in no object name"))
    check.equal("CS-UPL-01", sorted(keys), keys, say("按名称排序即按时间排序", "sorted by name as by time"))


def _tells_start(key: str, file: Recording, limits: Limits) -> bool:
    """Whether a name carries the start time of a file, within the tolerance, and its channel."""
    digits = NOT_DIGITS.sub("", key)
    slack = round(limits("CS-UPL-01").start_tolerance.seconds)
    near = (file.start + timedelta(seconds=offset) for offset in range(-slack, slack + 1))
    return any(text in digits for moment in near for text in start_digits(moment))


async def _judge_change(cloud: CloudBench, old: CloudAccount, shown: bool, check: Checks, limits: Limits) -> None:
    """CS-CRE-01d."""
    limit = limits("CS-CRE-01d")
    if not shown:
        check.inconclusive("CS-CRE-01d", say("设备没有任何上传", "the device uploads nothing at all"))
        return
    check.step("s1")
    before = len(cloud.store.of(old.name))
    new = cloud.account()
    await cloud.give(new)
    await cloud.record(limit.recording)
    uploads = await cloud.uploads(new, 1, limit.upload_wait)
    check.step("s2")
    check.equal("CS-CRE-01d", [u.bucket for u in uploads[:1]], [new.bucket], say("新的存储桶", "the new bucket"))
    check.equal(
        "CS-CRE-01d", len(cloud.store.of(old.name)), before, say("旧帐号的上传数", "uploads by the old account")
    )


async def _proven(cloud: CloudBench, check: Checks, limit: Limits) -> CloudAccount | None:
    """A new account to which the device uploads, as one recording has shown; None where it does not."""
    account = cloud.account()
    await cloud.give(account)
    await cloud.record(limit.recording)
    shown = bool(await cloud.uploads(account, 1, limit.upload_wait))
    return account if check.control(shown, UPLOADED) else None


@verifies("CS-CRE-02")
async def test_no_space(bench: Bench, check: Checks, limits: Limits) -> None:
    """With space 0 nothing comes; with space something does."""
    limit = limits("CS-CRE-02")
    async with cloud_bench(bench, limit.answer_wait) as cloud:
        account = await _proven(cloud, check, limit)
        if account is None:
            return
        check.step("s1")
        await cloud.give(cloud.account(NO_SPACE))
        seen = len(cloud.store.attempts)
        await cloud.record(limit.recording)
        await bench.wire.sleep(longest(limit.idle_watch))
        check.step("s2")
        targets = [attempt.target for attempt in cloud.store.attempts[seen:]]
        check.equal("CS-CRE-02", targets, [], say("上传请求", "upload requests"))


@verifies("CS-UPL-03")
async def test_interrupted_upload(bench: Bench, check: Checks, limits: Limits) -> None:
    """The connection breaks in the middle of the body, twice; the object ends whole, and there is one."""
    limit = limits("CS-UPL-03")
    async with cloud_bench(bench, limit.answer_wait) as cloud:
        check.step("s1")
        account = cloud.account()
        cloud.store.bends.break_at = [limit.first_cut.number / 100, limit.second_cut.number / 100]
        await cloud.give(account)
        begun = cloud.records.now.replace(microsecond=0)
        await cloud.record(limit.recording)
        uploads = await cloud.uploads(account, 1, limit.upload_wait)
        cuts = sum(attempt.refused == "broken off" for attempt in cloud.store.attempts)
        check.control(cuts > 0, say("上传被切断", "the upload was cut"))
        check.step("s2")
        files = [file for file in await cloud.records.search() if file.start >= begun]
        if not uploads or not files:
            check.fail("CS-UPL-03", say("最终有完整的对象", "a whole object in the end"), _attempts(cloud))
            return
        seconds = max(seconds_of_video(upload.body) for upload in uploads)
        missing = max(0.0, max(file.seconds for file in files) - seconds)
        about = say("对象缺少的秒数", "seconds that the object lacks")
        check.within("CS-UPL-03", missing, limit.length_tolerance, about)
        shorter = [u.key for u in uploads if seconds_of_video(u.body) + longest(limit.length_tolerance) < seconds]
        check.equal("CS-UPL-03", shorter, [], say("不完整的对象", "incomplete objects"))


@verifies("IF-REC-06a")
async def test_catches_up(bench: Bench, check: Checks, limits: Limits) -> None:
    """What was recorded while the storage was away arrives afterwards, each time once."""
    limit = limits("IF-REC-06a")
    count = int(limit.recordings.number)
    async with cloud_bench(bench, limit.answer_wait) as cloud:
        account = await _proven(cloud, check, limit)
        if account is None:
            return
        check.step("s1")
        before = len(cloud.store.of(account.name))
        cloud.store.bends.away = True
        cloud.store.drop()
        for _ in range(count):
            await cloud.record(limit.recording)
        cloud.store.bends.away = False
        await cloud.uploads(account, before + count, limit.upload_wait)
        await bench.wire.sleep(limit.recording.seconds)
        check.step("s2")
        uploads = cloud.store.of(account.name)[before:]
        check.equal("IF-REC-06a", len({u.key for u in uploads}), count, ONE_FOR_EACH)
        contents = [u.body for u in uploads]
        check.equal("IF-REC-06a", len(contents) - len(set(contents)), 0, say("重复上传", "stored twice"))
