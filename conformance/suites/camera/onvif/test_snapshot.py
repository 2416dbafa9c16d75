"""ONV-SNP: snapshots of the media services."""

from __future__ import annotations

from conformance.media.jpeg import jpeg_size
from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.onvif_media import Profile, Version
from conformance.suites.camera.onvif.media_steps import Face
from conformance.suites.camera.onvif.service_steps import judge_ok

JPEG = "image/jpeg"
PICTURE = say("200、image/jpeg 与可解码的完整图片", "200, image/jpeg and a whole picture that decodes")
UNAUTHORIZED, OK = 401, 200


async def with_pictures(
    onvif: Onvif, check: Checks, requirement: str, version: Version = "media"
) -> list[tuple[Profile, str]]:
    """Profiles with their snapshot addresses. Without any the requirement is not applicable: not every device has to
    have snapshots, and ver20 says whether it has."""
    face = Face(onvif, check, version)
    if not face.offered(requirement):
        return []
    found = []
    for profile in await face.profiles():
        answer = await face.ask_snapshot(profile.token)
        if answer.ok and face.uri(answer):
            found.append((profile, face.uri(answer)))
    if not found:
        check.not_applicable(requirement, say("设备不提供抓图", "the device offers no snapshots"))
    return found


async def picture(onvif: Onvif, url: str, check: Checks) -> tuple[Answer, tuple[int, int] | None]:
    """What the address answers, and the size of the picture; None where there is no whole one."""
    answer = await onvif.client.fetch("GET", url)
    size = await onvif.wire.compute("decode a snapshot", lambda: jpeg_size(answer.raw)) if answer.raw else None
    return answer, size


def told(answer: Answer, size: tuple[int, int] | None) -> str:
    """The answer in one line."""
    kind = answer.header("Content-Type")
    return f"{answer.status} {answer.why or kind}, {len(answer.raw)} bytes, " + (
        f"{size[0]}x{size[1]}" if size else "no picture"
    )


async def judge_picture(onvif: Onvif, check: Checks, requirement: str, url: str, about: str) -> bool:
    """The address brings a whole picture."""
    answer, size = await picture(onvif, url, check)
    kind = answer.header("Content-Type").partition(";")[0].strip().lower()
    held = answer.status == OK and kind == JPEG and size is not None
    return check.true(requirement, held, PICTURE, told(answer, size), about)


@verifies("ONV-SNP-01")
async def test_picture(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """The address of each profile brings a JPEG picture in time."""
    check.step("s1")
    for profile, url in await with_pictures(onvif, check, "ONV-SNP-01"):
        check.step("s2")
        begun = onvif.wire.now()
        answer, size = await picture(onvif, url, check)
        kind = answer.header("Content-Type").partition(";")[0].strip().lower()
        held = answer.status == OK and kind == JPEG and size is not None
        if check.true("ONV-SNP-01", held, PICTURE, told(answer, size), profile.token):
            check.within("ONV-SNP-01", answer.at - begun, limits("ONV-SNP-01").answer_within, profile.token)


@verifies("ONV-SNP-02")
async def test_size(onvif: Onvif, check: Checks) -> None:
    """The picture has the size of the profile."""
    version: Version = "media2" if onvif.has("media2") else "media"
    for profile, url in await with_pictures(onvif, check, "ONV-SNP-02", version):
        encoder = profile.encoder
        if encoder is None:
            continue
        check.step("s1")
        _, size = await picture(onvif, url, check)
        check.step("s2")
        if check.control(size is not None, say("得到图片", "there is a picture")):
            check.equal("ONV-SNP-02", size, encoder.size, profile.token)


@verifies("ONV-SNP-03")
async def test_credentials_are_needed(onvif: Onvif, check: Checks) -> None:
    """No picture without credentials, nor with a wrong password."""
    found = await with_pictures(onvif, check, "ONV-SNP-03")
    if not found:
        return
    if not onvif.client.username:
        check.not_applicable("ONV-SNP-03", say("设备没有用户", "the device has no users"))
        return
    url, wrong = found[0][1], f"wrong-{onvif.wire.random.getrandbits(32):08x}"
    check.step("s1")
    _, size = await picture(onvif, url, check)
    if not check.control(size is not None, say("正确的凭据可取图", "the right credentials bring a picture")):
        return
    for step, user, password in (("s2", "", ""), ("s3", onvif.client.username, wrong)):
        check.step(step)
        answer = await onvif.as_user(user, password).fetch("GET", url)
        held = answer.status == UNAUTHORIZED and not answer.raw.startswith(b"\xff\xd8")
        expected = say("以 401 拒绝且没有图片", "refused with 401 and no picture")
        about = say("错误的口令", "wrong password") if user else say("没有凭据", "no credentials")
        check.true("ONV-SNP-03", held, expected, told(answer, None), about)


@verifies("ONV-SNP-04")
async def test_address_stays(onvif: Onvif, check: Checks) -> None:
    """The address is the same each time and works more than once."""
    face = Face(onvif, check, "media")
    for profile, url in await with_pictures(onvif, check, "ONV-SNP-04"):
        check.step("s1")
        again = await face.ask_snapshot(profile.token)
        check.equal("ONV-SNP-04", face.uri(again), url, profile.token)
        check.step("s2")
        for about in ("1", "2"):
            await judge_picture(onvif, check, "ONV-SNP-04", url, f"{profile.token} {about}")


@verifies("ONV-SNP-05")
async def test_media2(onvif: Onvif, check: Checks) -> None:
    """A ver20 service that says that it has snapshots has them."""
    face = Face(onvif, check, "media2")
    if not face.offered("ONV-SNP-05"):
        return
    check.step("s1")
    able = await face.call("GetServiceCapabilities")
    node = able.body.at("Capabilities") if able.ok and able.body is not None else None
    if node is None or node.attribute("SnapshotUri") not in ("true", "1"):
        check.not_applicable("ONV-SNP-05", say("未声明支持抓图", "it does not say that it has snapshots"))
        return
    check.step("s2")
    for profile in await face.profiles():
        answer = await face.ask_snapshot(profile.token)
        if judge_ok(check, "ONV-SNP-05", answer, profile.token):
            await judge_picture(onvif, check, "ONV-SNP-05", face.uri(answer), profile.token)
