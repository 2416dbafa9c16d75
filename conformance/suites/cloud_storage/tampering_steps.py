"""Steps of the suites that change valid requests."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.model.checks import Checks, say
from conformance.peers.storage.storage import Storage
from conformance.peers.storage.tampering import Tampered
from conformance.protocols.s3_xml import read_listing
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, judge, judge_content

CLIP = b"0123456789" * 20
NEW = b"9876543210" * 20
NOBODY = "KDNNOBODY000"


def another_key(storage: Storage) -> str:
    """The access key of somebody else, of nobody where one account is all there is."""
    credentials = storage.other.credentials if storage.other else None
    return credentials.access_key if credentials else NOBODY


async def judge_refused(
    storage: Storage, check: Checks, requirement: str, requests: Iterable[Tampered], prefix: str
) -> None:
    """Each is refused."""
    for changed in requests:
        answer = await storage.anonymous.send(changed.request)
        await judge(storage, check, requirement, answer, CLIENT_ERRORS, about=f"{prefix}, {changed.about}")


async def judge_bucket(storage: Storage, check: Checks, requirement: str, bucket: str) -> None:
    """There is the clip, as it was, and nothing else."""
    await judge_content(storage, check, requirement, bucket, "clip", CLIP)
    listing = read_listing((await storage.owner.list_v1(bucket)).body)
    keys = listing.keys if listing else None
    check.equal(requirement, keys, ["clip"], say("桶中的键", "keys in the bucket"))
