"""IF-REC-01 and BIZ-REC-01: the weekly plan as it is set, read back, refused and deleted."""

from __future__ import annotations

from collections import Counter
from random import Random

from conformance.model.checks import Checks, say
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.record_steps import LOCAL, REFUSED, Entry, Records, kept_plan
from specs.declaration import LoadedDeclaration

DAYS = range(1, 8)
PLANS = 3
UNKNOWN_STORE = 9
SAMPLE = (Entry(1, "08:00", "09:00"), Entry(3, "10:15", "11:45"), Entry(7, "22:00", "23:59"))
PLAN = say("录像策略", "the record plan")


def _times(entries: list[Entry] | tuple[Entry, ...]) -> list[tuple[str, str, str]]:
    return sorted(entry.times for entry in entries)


@verifies("IF-REC-01", "IF-REC-01b")
async def test_entries_are_read_back(province: Province, check: Checks, limits: Limits) -> None:
    """Several days in one request, and one entry for each day of the week."""
    async with kept_plan(Records(province, limits("IF-REC-01").answer_wait.seconds)) as records:
        check.step("s1")
        check.control(await records.plan() == [], say("清空后没有条目", "no entries after clearing"))
        check.step("s2")
        check.equal("IF-REC-01", await records.add(*SAMPLE), 0, "ADD_RECORD_POLICY")
        check.step("s3")
        found = await records.plan()
        check.equal("IF-REC-01", _times(found), _times(SAMPLE), PLAN)
        named = all(entry.policy for entry in found)
        check.true("IF-REC-01", named, say("各条目有 PolicyID", "each has a PolicyID"), [e.policy for e in found])
        await records.clear()
        week = [Entry(day, f"{day + 8:02d}:00", f"{day + 8:02d}:30") for day in DAYS]
        check.equal("IF-REC-01b", await records.add(*week), 0, "ADD_RECORD_POLICY")
        check.equal("IF-REC-01b", _times(await records.plan()), _times(week), say("各日的条目", "entries of each day"))


@verifies("IF-REC-01a", "IF-REC-01f")
async def test_entries_are_deleted(province: Province, check: Checks, limits: Limits) -> None:
    """One goes, the others stay with their ids; an id that is not there is refused."""
    async with kept_plan(Records(province, limits("IF-REC-01a").answer_wait.seconds)) as records:
        check.step("s1")
        await records.add(*SAMPLE[:2])
        first = {entry.policy: entry.times for entry in await records.plan()}
        check.step("s2")
        await records.add(SAMPLE[2])
        three = {entry.policy: entry.times for entry in await records.plan()}
        kept = all(three.get(policy) == times for policy, times in first.items())
        expected = say("三个互异的 PolicyID，前两个不变", "three different PolicyIDs, the first two unchanged")
        check.true("IF-REC-01f", kept and len(three) == len(SAMPLE), expected, f"{first} -> {three}")
        check.step("s3")
        missing = str(max((int(policy) for policy in three if policy.isdecimal()), default=0) + 1000)
        check.equal("IF-REC-01f", await records.delete(missing), REFUSED, f"PolicyID {missing}")
        after = {entry.policy: entry.times for entry in await records.plan()}
        check.equal("IF-REC-01f", after, three, PLAN)
        gone = next((entry.policy for entry in await records.plan() if entry.times == SAMPLE[1].times), "")
        check.equal("IF-REC-01a", await records.delete(gone), 0, "DEL_RECORD_POLICY")
        left = {entry.policy: entry.times for entry in await records.plan()}
        wanted = {policy: times for policy, times in three.items() if policy != gone}
        check.equal("IF-REC-01a", left, wanted, PLAN)


@verifies("IF-REC-01c")
async def test_one_segment_too_many(province: Province, check: Checks, limits: Limits) -> None:
    """The day is full: the next segment is refused and changes nothing."""
    limit = limits("IF-REC-01c")
    async with kept_plan(Records(province, limit.answer_wait.seconds)) as records:
        check.step("s1")
        full = [Entry(2, f"{hour:02d}:00", f"{hour:02d}:30") for hour in range(int(limit.day_segments.number))]
        results = [await records.add(entry) for entry in full]
        check.control(not any(results), say("各段应答 0", "each segment is answered 0"))
        before = await records.plan()
        check.step("s2")
        check.equal("IF-REC-01c", await records.add(Entry(2, "20:00", "20:30")), REFUSED, "ADD_RECORD_POLICY")
        check.step("s3")
        check.equal("IF-REC-01c", await records.plan(), before, PLAN)


@verifies("IF-REC-01d", "IF-REC-01e")
async def test_times_and_days(province: Province, check: Checks, limits: Limits) -> None:
    """Short forms and 24:00 are taken; reversed, equal and impossible times, and days 0 and 8, are refused."""
    async with kept_plan(Records(province, limits("IF-REC-01d").answer_wait.seconds)) as records:
        check.step("s1")
        good = [Entry(1, "08:00", "24:00"), Entry(2, "8:5", "9:30")]
        results = [await records.add(entry) for entry in good]
        check.equal("IF-REC-01d", results, [0, 0], "08:00-24:00, 8:5-9:30")
        check.step("s2")
        bad = (("09:00", "09:00"), ("10:00", "09:00"), ("22:00", "06:00"), ("08:00", "24:01"), ("25:00", "26:00"))
        for start, end in bad:
            check.equal("IF-REC-01d", await records.add(Entry(3, start, end)), REFUSED, f"{start}-{end}")
        check.step("s3")
        shown = [("1", "08:00", "24:00"), ("2", "08:05", "09:30")]
        check.equal("IF-REC-01d", _times(await records.plan()), shown, PLAN)
        before = await records.plan()
        day = say("Week 2 与 Week 0 同在一个请求", "Week 2 and Week 0 in one request")
        check.equal("IF-REC-01e", await records.add(Entry(2, "1:00", "2:00"), Entry(0, "1:00", "2:00")), REFUSED, day)
        check.equal("IF-REC-01e", await records.add(Entry(8, "1:00", "2:00")), REFUSED, "Week 8")
        check.equal("IF-REC-01e", await records.add(Entry("x", "1:00", "2:00")), REFUSED, "Week x")
        check.equal("IF-REC-01e", await records.plan(), before, PLAN)


@verifies("IF-REC-01g")
async def test_store_and_stream(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """Both are kept as set; a store that nobody has is refused."""
    declared = declaration.features.get("streams")
    pairs = declared if isinstance(declared, frozenset) else frozenset({"1/1"})
    async with kept_plan(Records(province, limits("IF-REC-01g").answer_wait.seconds)) as records:
        check.step("s1")
        streams = sorted({pair.partition("/")[0] for pair in pairs})
        sent = [Entry(day, "06:00", "07:00", stream) for day, stream in enumerate(streams, 1)]
        check.equal("IF-REC-01g", [await records.add(entry) for entry in sent], [0] * len(sent), "ADD_RECORD_POLICY")
        check.step("s2")
        found = sorted((str(e.week), str(e.store), str(e.stream)) for e in await records.plan())
        wanted = sorted((str(e.week), str(LOCAL), str(e.stream)) for e in sent)
        check.equal("IF-REC-01g", found, wanted, "Week, StoreType, StreamType")
        check.step("s3")
        before = await records.plan()
        result = await records.add(Entry(5, "06:00", "07:00", store=UNKNOWN_STORE))
        check.equal("IF-REC-01g", result, REFUSED, f"StoreType {UNKNOWN_STORE}")
        check.equal("IF-REC-01g", await records.plan(), before, PLAN)


def random_plan(random: Random, a_day: int, at_most: int) -> list[Entry]:
    """Valid entries, none of which overlaps another of its day."""
    entries = []
    for day in random.sample(list(DAYS), random.randint(1, len(DAYS))):
        count = random.randint(1, a_day)
        marks = sorted(random.sample(range(24 * 60 + 1), 2 * count))
        entries += [Entry(day, _clock(marks[2 * n]), _clock(marks[2 * n + 1])) for n in range(count)]
    random.shuffle(entries)
    return entries[:at_most]


def _clock(value: int) -> str:
    return f"{value // 60:02d}:{value % 60:02d}"


@verifies("BIZ-REC-01")
async def test_any_plan(province: Province, check: Checks, limits: Limits) -> None:
    """Random valid plans, and the fullest one, come back as they were set."""
    limit = limits("BIZ-REC-01")
    a_day, at_most = int(limit.day_segments.number), int(limit.request_entries.number)
    async with kept_plan(Records(province, limit.answer_wait.seconds)) as records:
        check.step("s1")
        check.control(await records.plan() == [], say("清空后没有条目", "no entries after clearing"))
        check.step("s2")
        for _ in range(PLANS):
            entries = random_plan(province.wire.random, a_day, at_most)
            check.equal("BIZ-REC-01", await records.add(*entries), 0, f"{len(entries)} entries")
            check.equal("BIZ-REC-01", _times(await records.plan()), _times(entries), PLAN)
            await records.clear()
        check.step("s3")
        fullest = [Entry(day, f"{h:02d}:00", f"{h:02d}:59") for day in DAYS for h in range(a_day)]
        batches = [fullest[n : n + at_most] for n in range(0, len(fullest), at_most)]
        results = Counter([await records.add(*batch) for batch in batches])
        check.equal("BIZ-REC-01", dict(results), {0: len(batches)}, say("满计划", "the full plan"))
        check.equal("BIZ-REC-01", _times(await records.plan()), _times(fullest), PLAN)
