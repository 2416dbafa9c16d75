"""CS-037, CS-037a, CS-049, CS-049a: temporary keys, URLs of the future, and two signatures at once."""

from __future__ import annotations

from dataclasses import replace

from conformance.model.checks import Checks, say
from conformance.peers.storage.client import StorageClient
from conformance.peers.storage.storage import Storage
from conformance.peers.storage.tampering import Tampered
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.raw_request import RawRequest
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, GOOD, good, judge, judge_content
from conformance.suites.cloud_storage.tampering_steps import CLIP, NEW, judge_bucket, judge_refused
from specs.declaration import Account

EXPIRED = "expired"


def temporary(storage: Storage) -> tuple[Account, Account | None]:
    """A temporary key that is good, and one that has expired: its account is called ``expired``."""
    accounts = [account for account in storage.loaded.accounts if account.token]
    good_ones = [account for account in accounts if account.name != EXPIRED]
    return (good_ones or accounts)[0], next((a for a in accounts if a.name == EXPIRED), None)


def address(client: StorageClient, method: str, bucket: str, key: str, life: float, ahead: float = 0.0) -> RawRequest:
    """A presigned URL that was, or will be, signed ``ahead`` seconds from now; a PUT carries a body."""
    plain = client.build(method, bucket, key).without_header("content-length")
    signed = client.presign(plain, expires=int(life), at=client.now + ahead)
    if method != "PUT":
        return signed
    return replace(signed, headers=(*signed.headers, ("Content-Length", str(len(NEW)))), body=NEW)


@verifies("CS-037")
async def test_temporary_keys(storage: Storage, check: Checks, limits: Limits) -> None:
    """By header and by URL; and what is said of tokens that are not good."""
    bucket, life = await storage.bucket(), limits("CS-037").lifetime.seconds
    account, expired = temporary(storage)
    session = storage.client(account)
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.step("s2")
    await judge(storage, check, "CS-037", await session.put(bucket, "fresh", NEW), (200,))
    await judge_content(storage, check, "CS-037", bucket, "fresh", NEW)
    for answer in (
        await session.get(bucket, "clip"),
        await storage.anonymous.send(address(session, "GET", bucket, "clip", life)),
    ):
        await judge(storage, check, "CS-037", answer, (200,))
        check.true("CS-037", answer.body == CLIP, say("对象的内容", "the content"), f"{len(answer.body)} bytes")
    check.step("s3")
    wrong = storage.client(replace_token(account, foreign_token(storage)))
    await judge(storage, check, "CS-037", await wrong.get(bucket, "clip"), CLIENT_ERRORS, "InvalidToken")
    if expired is not None:
        answer = await storage.client(expired).get(bucket, "clip")
        await judge(storage, check, "CS-037", answer, CLIENT_ERRORS, "ExpiredToken")


def replace_token(account: Account, token: str) -> Account:
    """The same account with another token, with none where it is empty."""
    return Account(account.name, account.access_key, account.secret_key, token, account.principal)


def foreign_token(storage: Storage) -> str:
    """A token that nobody has; nothing of it comes from a true one, which evidence must not give away."""
    return f"{storage.wire.random.getrandbits(160):040x}"


def bad_tokens(storage: Storage) -> dict[str, Account]:
    """Temporary keys with tokens that are not theirs, by what is wrong."""
    account, expired = temporary(storage)
    found = {
        "no token": replace_token(account, ""),
        "a wrong token": replace_token(account, foreign_token(storage)),
    }
    if expired is not None:
        found["an expired token"] = expired
        found["somebody else's token"] = replace_token(account, expired.token)
        found["an expired key with a good token"] = replace_token(expired, account.token)
    return found


@verifies("CS-037a")
async def test_bad_tokens(storage: Storage, check: Checks, limits: Limits) -> None:
    """Each reads, writes and deletes, by header and by URL."""
    bucket, life = await storage.bucket(), limits("CS-037a").lifetime.seconds
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    session = storage.client(temporary(storage)[0])
    if not check.control((await session.get(bucket, "clip")).body == CLIP, GOOD):
        return
    check.step("s2")
    for about, account in bad_tokens(storage).items():
        client = storage.client(account)
        requests = [
            Tampered("read", client.sign(client.build("GET", bucket, "clip"))),
            Tampered("write", client.sign(client.build("PUT", bucket, "fresh", body=NEW))),
            Tampered("delete", client.sign(client.build("DELETE", bucket, "clip"))),
            Tampered("read by URL", address(client, "GET", bucket, "clip", life)),
            Tampered("write by URL", address(client, "PUT", bucket, "fresh", life)),
        ]
        await judge_refused(storage, check, "CS-037a", requests, about)
    check.step("s3")
    await judge_bucket(storage, check, "CS-037a", bucket)


def wrong_header(storage: Storage, request: RawRequest) -> RawRequest:
    """A presigned request with a header signature that does not hold beside its own."""
    signed = storage.owner.sign(request)
    told = signed.header("Authorization") or ""
    at = len(told) - 10
    digit = "0" if told[at] != "0" else "1"
    return signed.with_header("Authorization", told[:at] + digit + told[at + 1 :])


@verifies("CS-049")
async def test_future_and_both(storage: Storage, check: Checks, limits: Limits) -> None:
    """A date far ahead; a good header beside a good URL and beside a bad one."""
    bucket, owner, limit = await storage.bucket(), storage.owner, limits("CS-049")
    life = limit.lifetime.seconds
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.control((await storage.anonymous.send(address(owner, "GET", bucket, "clip", life))).ok, GOOD)
    check.step("s2")
    ahead = address(owner, "GET", bucket, "clip", life, ahead=limit.ahead.seconds)
    await judge(storage, check, "CS-049", await storage.anonymous.send(ahead), (403,), about="a date far ahead")
    check.step("s3")
    header_wins = storage.dialect.both_signatures == "header"
    url = address(owner, "GET", bucket, "clip", life)
    dead = address(owner, "GET", bucket, "clip", life, ahead=-2 * life)
    for about, request in (("a good URL", url), ("an expired URL", dead)):
        answer = await storage.anonymous.send(owner.sign(request))
        wanted = (200,) if header_wins else (400,)
        await judge(storage, check, "CS-049", answer, wanted, about=f"a good header and {about}")


@verifies("CS-049a")
async def test_wrong_headers_beside_good_urls(storage: Storage, check: Checks, limits: Limits) -> None:
    """A read and a write."""
    bucket, owner, life = await storage.bucket(), storage.owner, limits("CS-049a").lifetime.seconds
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    url = address(owner, "GET", bucket, "clip", life)
    check.control((await storage.anonymous.send(url)).body == CLIP, GOOD)
    check.step("s2")
    write = address(owner, "PUT", bucket, "fresh", life)
    requests = [Tampered("read", wrong_header(storage, url)), Tampered("write", wrong_header(storage, write))]
    await judge_refused(storage, check, "CS-049a", requests, "a wrong header and a good URL")
    check.step("s3")
    await judge_bucket(storage, check, "CS-049a", bucket)
