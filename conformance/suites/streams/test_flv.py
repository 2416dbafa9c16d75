"""IF-FLV-01 to IF-FLV-08: the header, the tags and what is in them."""

from __future__ import annotations

from itertools import pairwise

from conformance.model.checks import Checks, say
from conformance.peers.streams.bench import StreamBench
from conformance.peers.streams.flv_player import FlvPlay
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.flv import VIDEO, FlvError
from conformance.suites.stream_findings import judge_violations
from conformance.suites.stream_rules import judge_decoding, pictures, setup
from specs.model import Limit

HEADER_RULES = ("flv.version", "flv.reserved", "flv.offset", "flv.header.flags")
TAG_RULES = ("flv.tag.reserved", "flv.tag.type", "flv.tag.empty", "flv.stream_id")
SETUP_RULES = ("flv.avc.no_header",)
UNIT_RULES = ("flv.avc.short", "flv.avc.type", "flv.avc.composition")
TYPE = "video/x-flv"


async def played(streams: StreamBench, check: Checks, watch: Limit, *requirements: str) -> FlvPlay | None:
    """A play with at least one tag; None, and nothing to say, where there is none."""
    check.step("s1")
    play = await streams.flv_player().play(watch.seconds)
    if play.tags:
        return play
    why = play.error.explain if play.error else play.fetched.summary
    for requirement in requirements:
        check.inconclusive(requirement, say(f"没有收到 FLV 标签: {why}", f"no FLV tag came: {why}"))
    return None


@verifies("IF-FLV-01", "IF-FLV-02", "IF-FLV-03")
async def test_structure(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """Header, sizes and heads of tags."""
    check.step("s1")
    play = await streams.flv_player().play(limits("IF-FLV-01").watch.seconds)
    check.step("s2")
    if play.error is not None and play.reader.header is None and play.received:
        check.fail("IF-FLV-01", say("FLV 文件头", "an FLV header"), play.error.explain)
    elif play.reader.header is None:
        check.inconclusive("IF-FLV-01", say("没有收到文件头", f"no header came: {play.fetched.summary}"))
    else:
        judge_violations(check, "IF-FLV-01", (v for v in play.reader.violations if v.rule in HEADER_RULES))
    if not play.tags:
        for requirement in ("IF-FLV-02", "IF-FLV-03"):
            check.inconclusive(requirement, say("没有收到标签", "no tag came"))
        return
    judge_violations(check, "IF-FLV-02", (v for v in play.reader.violations if v.rule == "flv.previous_size"))
    judge_violations(check, "IF-FLV-03", (v for v in play.reader.violations if v.rule in TAG_RULES))


@verifies("IF-FLV-04", "IF-FLV-04a")
async def test_times(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """The first one, and whether they go back."""
    play = await played(streams, check, limits("IF-FLV-04").watch, "IF-FLV-04", "IF-FLV-04a")
    if play is None:
        return
    check.step("s2")
    check.equal("IF-FLV-04", play.tags[0].timestamp, 0, say("首个标签，毫秒", "the first tag, ms"))
    back = [
        f"{kind}: {b.timestamp} ms after {a.timestamp} ms"
        for kind in sorted({tag.kind for tag in play.tags})
        for a, b in pairwise([tag for tag in play.tags if tag.kind == kind])
        if b.timestamp < a.timestamp
    ]
    check.true("IF-FLV-04a", not back, say("逐类不减", "none goes back"), "; ".join(back[:3]) or len(play.tags))


@verifies("IF-FLV-05", "IF-FLV-06")
async def test_pictures(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """The sequence header, and the units of each picture."""
    both = ("IF-FLV-05", "IF-FLV-06")
    play = await played(streams, check, limits("IF-FLV-05").watch, *both)
    if play is None:
        return
    shown = pictures(play)
    if not shown:
        for requirement in both:
            check.not_applicable(requirement, say("没有 H.264 画面标签", "there are no H.264 picture tags"))
        return
    check.step("s2")
    wanted = say("画面之前有带参数集的序列头", "a sequence header with parameter sets before the pictures")
    try:
        record = setup(play)
    except FlvError as error:
        check.fail("IF-FLV-05", wanted, error.explain)
        record = None
    else:
        early = any(v.rule in SETUP_RULES for v in play.reader.violations)
        good = record is not None and len(record.parameter_sets) > 1 and not early
        check.true("IF-FLV-05", good, wanted, "-" if record is None else f"{len(record.parameter_sets)} sets")
    if record is None:
        check.inconclusive("IF-FLV-06", say("没有可用的序列头", "there is no sequence header to go by"))
        return
    judge_violations(check, "IF-FLV-06", (v for v in play.reader.violations if v.rule in UNIT_RULES))
    check.step("s3")
    judge_decoding(check, "IF-FLV-06", record, shown)


@verifies("IF-FLV-07", "IF-FLV-08")
async def test_beginning(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """What a new viewer gets first, and when; Content-Type."""
    limit = limits("IF-FLV-07")
    play = await played(streams, check, limit.watch, "IF-FLV-07", "IF-FLV-08")
    if play is None:
        return
    check.step("s2")
    check.equal("IF-FLV-08", play.fetched.media_type or "-", TYPE)
    moments = [(tag, at) for tag, at in zip(play.tags, play.arrivals, strict=True) if tag.kind == VIDEO]
    first = next(((tag, at) for tag, at in moments if not tag.is_setup), None)
    if first is None:
        check.inconclusive("IF-FLV-07", say("没有画面标签", "there was no picture tag"))
        return
    wanted = say("首个画面是关键帧", "the first picture is a key picture")
    check.true("IF-FLV-07", first[0].is_key, wanted, f"{first[0].timestamp} ms")
    check.within(
        "IF-FLV-07", first[1] - play.began, limit.first_picture, say("首个画面到达", "arrival of the first picture")
    )
