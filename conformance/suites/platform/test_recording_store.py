"""CS-077: what the platform writes into the cloud storage follows the object layout."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.cloud_store import Upload
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.recording_steps import Scene, Span, recorded_device, span_of
from specs.layout import Clip, load_layout

SHOWN = 5


@verifies("CS-077")
async def test_keys(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Two parts of a recording, as they come to the storage of the bench and as the client finds them."""
    limit, store = limits("CS-077"), platform.storage
    if platform.declared.recording is None:
        where = say(
            "声明未把录像引到测试台的存储", "the declaration does not lead recordings to the storage of the bench"
        )
        check.inconclusive("CS-077", where)
        return
    async with recorded_device(platform, owner, check, "CS-077") as scene:
        if scene is None:
            return
        check.step("s1")
        before = len(store.uploads)
        begun = await platform.platform_now()
        for _ in range(int(limit.pieces.number)):
            if await scene.piece(check, limit) is None:
                return
        fresh = {upload.key: upload for upload in store.uploads[before:]}
        await _compared(scene, check, limit, fresh, begun)


async def _compared(scene: Scene, check: Checks, limit: Limits, fresh: dict[str, Upload], begun: float) -> None:
    check.step("s2")
    layout = load_layout()
    expected = say("存储中有新对象", "there are new objects in the storage")
    if not check.true("CS-077", bool(fresh), expected):
        return
    clips = {key: clip for key in fresh if (clip := layout.parse(key)) is not None}
    others = [key for key in fresh if key not in clips or layout.key_of(clips[key]) != key]
    check.equal("CS-077", others[:SHOWN], [], say(f"不符合 {layout.key} 的键", f"keys that are not {layout.key}"))
    if others:
        return
    named = {(clip.device, clip.channel) for clip in clips.values()}
    check.equal("CS-077", named, {(scene.dev_id, 0)}, say("键中的设备与通道", "device and channel of the keys"))
    tenants = {clip.tenant for clip in clips.values()}
    check.equal("CS-077", len(tenants), 1, say("租户数", "tenants"))
    check.step("s3")
    await _timed(scene, check, limit, clips, begun)
    for key, clip in clips.items():
        told = media_type(fresh[key])
        check.equal("CS-077", told, layout.kinds[clip.kind], say(f"{key} 的内容类型", f"content type of {key}"))


def media_type(upload: Upload) -> str:
    """The Content-Type that an object was written with."""
    told = next((value for name, value in upload.headers.items() if name.lower() == "content-type"), "")
    return told.partition(";")[0].strip().lower()


async def _timed(scene: Scene, check: Checks, limit: Limits, clips: dict[str, Clip], begun: float) -> None:
    """The times of the keys against those of a search, in order."""
    whole = Span(begun, await scene.platform.platform_now() + 1.0)
    spans = sorted(filter(None, map(span_of, await scene.search(whole))), key=lambda span: span.start)
    found = [Span(clip.start.timestamp(), clip.end.timestamp()) for _, clip in sorted(clips.items())]
    if not check.equal("CS-077", len(found), len(spans), say("键数与片段数", "as many keys as clips")):
        return
    for key, told in zip(found, spans, strict=True):
        for about, off in (("start", key.start - told.start), ("end", key.end - told.end)):
            difference = say(f"键与检索的时间之差（{about}）", f"key against search: {about}")
            check.within("CS-077", abs(off), limit.edge, difference)
