"""Steps that the storage suites share."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.model.checks import Checks, say
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.client import StorageClient
from conformance.peers.storage.storage import Storage

CLIENT_ERRORS = tuple(range(400, 500))
GOOD = say("正确的请求成功", "the good request succeeds")
UNCHANGED = say("对象不变", "the object is unchanged")
NOTHING = say("没有对象产生", "there is no object")


async def judge(
    storage: Storage,
    check: Checks,
    requirement: str,
    answer: Answer,
    status: Sequence[int],
    code: str = "",
    about: str = "",
) -> bool:
    """Status, and the error code where one is expected and there is a body to hold it. Raises DeviceTerminated."""
    await storage.judge_death(answer)
    named = "4xx" if set(CLIENT_ERRORS) <= set(status) else " / ".join(map(str, status))
    wanted = f"{named} {code}".strip()
    bodiless = answer.request.method == "HEAD"
    good = answer.status in status and (not code or bodiless or answer.code == code)
    what = about or f"{answer.request.method} {answer.request.target[:60]}"
    return check.true(requirement, good, say(wanted, wanted), f"{what}: {answer.summary}")


async def content(client: StorageClient, bucket: str, key: str) -> bytes | None:
    """What an object holds now; None for no object."""
    answer = await client.get(bucket, key)
    return answer.body if answer.ok else None


async def judge_content(
    storage: Storage, check: Checks, requirement: str, bucket: str, key: str, expected: bytes | None
) -> None:
    """An object is as it was, or is not there."""
    found = await content(storage.owner, bucket, key)
    shown = "-" if found is None else f"{len(found)} bytes"
    about = NOTHING if expected is None else UNCHANGED
    check.true(requirement, found == expected, about, f"{key[:40]}: {shown}")


async def good(storage: Storage, check: Checks, bucket: str, key: str, body: bytes) -> bool:
    """The control leg: the owner writes an object."""
    return check.control((await storage.owner.put(bucket, key, body)).ok, GOOD)


def gap(storage: Storage, check: Checks, answer: Answer, feature: str, *requirements: str) -> bool:
    """An honest 501: the storage does not offer this. Not applicable, unless the declaration says that it does."""
    if not storage.not_implemented(answer):
        return False
    for requirement in requirements:
        if storage.loaded.features.get(feature) is True:
            check.fail(requirement, say(f"声明的功能 {feature}", f"the declared feature {feature}"), answer.summary)
        else:
            check.not_applicable(requirement, say("服务器声明未实现 (501)", "the server says that it lacks this (501)"))
    return True
