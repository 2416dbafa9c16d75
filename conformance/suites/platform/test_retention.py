"""BIZ-REC-03: recordings are there for as long as they are kept, and out of reach afterwards."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone, Phones
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import accepted, good
from conformance.suites.platform.recording_steps import Scene, Shown, Span, recorded_device, watched
from conformance.suites.platform.test_recording_rights import BAD, worthless
from specs.declared_platform import User

REQUIREMENT = "BIZ-REC-03"
DAY = 86400.0


class Ages:
    """The clock of the platform, moved until a recording has a certain age, and put back by ``back``."""

    def __init__(self, platform: PlatformBench) -> None:
        self.platform, self.moved = platform, 0.0

    async def until(self, moment: float) -> None:
        """Unix seconds by the clock of the platform."""
        step = moment - await self.platform.platform_now()
        await self.platform.control.do("clock", advance=step)
        self.moved += step

    async def back(self) -> None:
        """As it was."""
        if self.moved:
            await self.platform.control.do("clock", advance=-self.moved)


@verifies("BIZ-REC-03")
async def test_retention(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits) -> None:
    """One piece on each side of the end of the declared retention."""
    limit, kept, user = limits(REQUIREMENT), platform.declared.retention_days * DAY, owner.user
    if user is None:
        return
    async with recorded_device(platform, owner, check, REQUIREMENT) as scene:
        if scene is None:
            return
        ages = Ages(platform)
        try:
            check.step("s1")
            old = await scene.piece(check, limit)
            if old is None:
                return
            await ages.until(old.start + kept - limit.before.seconds)
            await _relogin(scene, phones, user)
            check.step("s2")
            url, shown = await _there(scene, check, old, "inside")
            young = await scene.piece(check, limit) if url else None
            if young is None:
                return
            check.step("s3")
            await ages.until(old.end + kept + limit.after.seconds)
            await _relogin(scene, phones, user)
            await _gone(scene, check, old)
            await _nothing_at(check, owner, url, "the address of before")
            await worthless(check, REQUIREMENT, owner, url, shown.targets, "segments of before")
            await _there(scene, check, young, "the younger one")
        finally:
            await ages.back()
            await _relogin(scene, phones, user)


async def _relogin(scene: Scene, phones: Phones, user: User) -> None:
    """The session of before is over on a clock that was moved by days."""
    scene.owner = await phones.logged_in(user)


async def _there(scene: Scene, check: Checks, span: Span, about: str) -> tuple[str, Shown]:
    """A piece is found and shows pictures. Its address, empty where there is none."""
    found = await scene.search(span)
    check.true(REQUIREMENT, bool(found), say(f"可检索: {about}", f"found: {about}"), f"{len(found)} recordings")
    reply = await scene.playback(span)
    url = str(reply.at("hls") or "") if accepted(check, REQUIREMENT, reply, about) else ""
    shown = await watched(scene.owner, url) if url else Shown(reply.status)
    pictures = say(f"可播放: {about}", f"plays: {about}")
    held = bool(shown.labels) and not shown.failures
    check.true(REQUIREMENT, held, pictures, f"HTTP {shown.status}, {len(shown.labels)} pictures, {shown.failures}")
    return (url if shown.labels else ""), shown


async def _gone(scene: Scene, check: Checks, span: Span) -> None:
    """Neither found nor played; a search that is answered shows that the terminal can be searched."""
    reply = await scene.history(span)
    if good(check, reply, "history"):
        check.equal(REQUIREMENT, reply.items, [], say("期限之后检索到的录像", "recordings found past the retention"))
    again = await scene.playback(span)
    if again.status < BAD and (url := str(again.at("hls") or "")):
        await _nothing_at(check, scene.owner, url, "a new address")


async def _nothing_at(check: Checks, phone: Phone, url: str, about: str) -> None:
    """A playlist that is refused, or has no segment that can be had."""
    shown = await watched(phone, url)
    nothing = say(f"期限之后无可取得的分片: {about}", f"no segment past the retention: {about}")
    check.true(REQUIREMENT, not shown.clips, nothing, f"HTTP {shown.status}, {len(shown.clips)} segments")
