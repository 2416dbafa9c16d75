"""IF-REC-02 and 05: the search for recordings and the store query."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.record_steps import (
    REFUSED,
    Recording,
    Records,
    minute,
    names,
    recordings,
    some_recordings,
)
from specs.declaration import LoadedDeclaration

LONG_AGO = ("200101010000", "200101010100")
MEBIBYTE = 1 << 20
MINUTE = timedelta(minutes=1)


def _fields(file: Recording) -> str:
    """What is wrong with the fields of a file; empty for nothing."""
    try:
        ordered = file.start < file.end
    except ValueError:
        return f"{file.name}: {file.start_text} .. {file.end_text}"
    if not file.name or file.size <= 0 or not ordered:
        return f"{file.name or '-'}: {file.size} bytes, {file.start_text} .. {file.end_text}"
    return ""


@verifies("IF-REC-02", "IF-REC-02a", "IF-REC-02b")
async def test_lists(province: Province, check: Checks, limits: Limits) -> None:
    """Fields, overlaps, totals, pages of ten, newest first."""
    limit, page_size = limits("IF-REC-02"), int(limits("IF-REC-02a").page_size.number)
    records = Records(province, limit.answer_wait.seconds)
    check.step("s1")
    files = await some_recordings(records, check, page_size + 1)
    if not files:
        return
    check.step("s2")
    last = -(-len(files) // page_size)
    pages = [await records.page(number) for number in range(1, last + 2)]
    listed = [recordings(page) for page in pages]
    check.step("s3")
    check.equal("IF-REC-02", [fault for file in files if (fault := _fields(file))], [], say("字段问题", "bad fields"))
    ordered = sorted(files, key=lambda file: file.start_text)
    overlap = max(((a.end - b.start).total_seconds() for a, b in pairwise(ordered)), default=0.0)
    check.within("IF-REC-02", max(0.0, overlap), limit.overlap, say("最大重叠", "longest overlap"))
    totals = {page.get("TotalRecordNum") for page in pages}
    check.equal("IF-REC-02", totals, {str(len(files))}, "TotalRecordNum")
    sizes = [len(page) for page in listed]
    wanted = [page_size] * (last - 1) + [len(files) - page_size * (last - 1), 0]
    check.equal("IF-REC-02a", sizes, wanted, say("各页文件数", "files on each page"))
    check.equal("IF-REC-02a", pages[-1].result, 0, say("末页之后", "the page past the end"))
    joined = names([file for page in listed for file in page])
    repeated = len(joined) != len(set(joined))
    check.true("IF-REC-02a", not repeated, say("页间无重复", "none repeated"), f"{len(joined)}, {len(set(joined))}")
    starts = [file.start_text for page in listed for file in page]
    falling = all(earlier > later for earlier, later in pairwise(starts))
    check.true("IF-REC-02b", falling, say("StartTime 严格递减", "StartTime falls strictly"), ", ".join(starts[:4]))


@verifies("IF-REC-02c", "IF-REC-02f")
async def test_empty_and_bad_searches(province: Province, check: Checks, limits: Limits) -> None:
    """Nothing found is an answer; bad pages and reversed times are refused."""
    records = Records(province, limits("IF-REC-02c").answer_wait.seconds)
    check.step("s1")
    plain = await records.page(1)
    check.control(plain.result == 0, say(f"普通查询应答 {plain.result}", f"a plain query gets {plain.result}"))
    check.step("s2")
    try:
        empty = await records.page(1, *LONG_AGO)
    except DeviceFault as fault:
        check.fail("IF-REC-02c", say("空结果的应答", "an answer without files"), fault.text)
    else:
        found = (empty.name, empty.result, empty.get("TotalRecordNum"), len(recordings(empty)))
        check.equal("IF-REC-02c", found, ("FILE_QUERY", 0, "0", 0), "FILE_QUERY_RES")
    check.step("s3")
    for number, start, end in ((0, "", ""), (-1, "", ""), (1, LONG_AGO[1], LONG_AGO[0])):
        answer = await records.page(number, start, end)
        held = (answer.result, len(recordings(answer)))
        check.equal("IF-REC-02f", held, (REFUSED, 0), f"PageNo {number}, {start or '-'} .. {end or '-'}")


@verifies("IF-REC-02d")
async def test_names(province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration) -> None:
    """DevID, channel and StartTime in every name."""
    check.step("s1")
    channels = declaration.features.get("channels")
    seen: list[str] = []
    for channel in range(channels if isinstance(channels, int) else 1):
        records = Records(province, limits("IF-REC-02d").answer_wait.seconds, channel)
        files = await records.search()
        check.step("s2")
        wanted = [f"{province.device_id}_{channel}_{file.start_text}.mp4" for file in files]
        check.equal("IF-REC-02d", names(files), wanted, say(f"通道 {channel} 的文件名", f"names of channel {channel}"))
        seen += names(files)
    check.control(bool(seen), say("设备上有录像", "the device holds recordings"))
    unique = len(seen) == len(set(seen))
    check.true("IF-REC-02d", unique, say("文件名互异", "names are unique"), f"{len(set(seen))} of {len(seen)}")


@verifies("IF-REC-02e")
async def test_bounds(province: Province, check: Checks, limits: Limits) -> None:
    """The minutes around one file, and the newest file against the platform's clock."""
    limit = limits("IF-REC-02e")
    records = Records(province, limit.answer_wait.seconds)
    check.step("s1")
    files = await some_recordings(records, check)
    if not files:
        return
    file = files[-1]
    check.step("s2")
    windows = {
        say("起始分钟", "the minute of its start"): (file.start, file.start, True),
        say("结束分钟", "the minute of its end"): (file.end, file.end, True),
        say("其间", "a time inside it"): (file.start - MINUTE, file.end + MINUTE, True),
        say("前一分钟", "the minute before"): (file.start - MINUTE, file.start - MINUTE, False),
        say("后一分钟", "the minute after"): (file.end + MINUTE, file.end + MINUTE, False),
    }
    check.step("s3")
    for about, (start, end, listed) in windows.items():
        found = file.name in names(await records.search(minute(start), minute(end)))
        check.equal("IF-REC-02e", found, listed, about)
    newest = max(files, key=lambda each: each.end_text)
    ahead = (newest.end - records.now).total_seconds()
    about = say("最新文件超前平台时间", "newest file ahead of the platform")
    check.within("IF-REC-02e", max(0.0, ahead), limit.clock_error, about)


@verifies("IF-REC-05")
async def test_store_query(province: Province, check: Checks, limits: Limits) -> None:
    """Total and free size make sense, also against the files that are listed."""
    within = limits("IF-REC-05").answer_wait.seconds
    check.step("s1")
    files = await some_recordings(Records(province, within), check)
    if not files:
        return
    check.step("s2")
    answer = await province.command("STORE_QUERY", within=within)
    total, free = (int(answer.message.get(name) or -1) for name in ("TotalSize", "FreeSize"))
    expected = "Result 0, 0 <= FreeSize <= TotalSize, TotalSize > 0"
    held = answer.result == 0 and 0 <= free <= total and total > 0
    check.true("IF-REC-05", held, expected, f"Result {answer.result}, {free} / {total} MB")
    check.step("s3")
    used = sum(file.size for file in files) / MEBIBYTE
    expected_use = say(f"已用不小于文件之和 {used:.1f} MB", f"at least the {used:.1f} MB of the files are used")
    check.true("IF-REC-05", total - free >= int(used), expected_use, total - free)
