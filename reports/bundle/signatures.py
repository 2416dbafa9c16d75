"""Who signed? Every envelope of a bundle against the keys that the verifier trusts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from reports.bundle import layout
from reports.bundle.content import Run
from reports.bundle.dsse import IN_TOTO, Envelope, parse_envelope
from reports.bundle.keys import PublicKey
from reports.bundle.layout import BundleError, Problem
from reports.bundle.reader import Bundle, parse_object
from reports.bundle.statement import REPEATED, TEST_RESULT, VERDICTS, test_result
from specs.bundle_files import VerdictStatement

CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Signature:
    """One envelope. ``code`` is empty for a valid signature of a trusted key; ``statement`` is {} when unreadable."""

    name: str
    code: str
    zh: str
    en: str
    key: PublicKey | None
    statement: Mapping[str, Any]

    @property
    def problem(self) -> Problem:
        """The finding as a problem."""
        return Problem(self.code, self.name, self.zh, self.en)

    @property
    def kind(self) -> str:
        """Type of the predicate."""
        return str(self.statement.get("predicateType", ""))


def examine(bundle: Bundle, keys: Sequence[PublicKey], now: datetime) -> tuple[Signature, ...]:
    """Look at every envelope. ``now`` has an offset."""
    return tuple(_examine(bundle, name, keys, now) for name in bundle.signature_names)


def _examine(bundle: Bundle, name: str, keys: Sequence[PublicKey], now: datetime) -> Signature:
    try:
        envelope = parse_envelope(bundle.document(name, layout.MAX_SIGNATURE))
        statement = parse_object(name, envelope.payload)
        key = _signer(envelope, keys)
        _check_statement(bundle, envelope, statement)
        if key is not None:
            _check_times(statement, key, now)
    except BundleError as error:
        return Signature(name, error.code, error.zh, error.en, None, {})
    if key is None:
        keyid = envelope.signatures[0][0][:16]
        zh, en = f"不认识签名密钥 {keyid}", f"nobody you trust vouches for the key {keyid}: give it with --key"
        return Signature(name, "unknown-key", zh, en, None, statement)
    return Signature(name, "", "签名有效", "the signature is valid", key, statement)


def _signer(envelope: Envelope, keys: Sequence[PublicKey]) -> PublicKey | None:
    """The trusted key that made a signature; None when no trusted key is named. The keyid is only a hint."""
    for keyid, signature in envelope.signatures:
        for key in keys:
            if key.verifies(signature, envelope.signed_bytes):
                return key
            if key.keyid == keyid:
                raise BundleError(
                    "bad-signature", "签名不是所指密钥所作", "the signature was not made with the key it names"
                )
    return None


def _check_statement(bundle: Bundle, envelope: Envelope, statement: Mapping[str, Any]) -> None:
    kind = statement.get("predicateType")
    if envelope.payload_type != IN_TOTO or kind not in (VERDICTS, TEST_RESULT):
        raise BundleError("statement", "不是所知的声明类型", "not a statement of a known kind")
    if kind == VERDICTS:
        try:
            msgspec.convert(statement, VerdictStatement)
        except msgspec.ValidationError as error:
            raise BundleError("statement", f"声明格式不符: {error}", f"not of the right form: {error}") from None
    wanted = [{"name": layout.MANIFEST, "digest": {"sha256": bundle.manifest_digest}}]
    if statement.get("subject") != wanted:
        raise BundleError("other-content", "签的是另一份清单", "the signature is over another manifest")


def _check_times(statement: Mapping[str, Any], key: PublicKey, now: datetime) -> None:
    if statement["predicateType"] != VERDICTS:
        return
    predicate = statement["predicate"]
    if predicate["role"] != key.role:
        role = predicate["role"]
        raise BundleError("other-role", f"密钥不属于角色 {role}", f"a {key.role} key signed in the role {role}")
    try:
        moment = datetime.fromisoformat(predicate["signedAt"])
        fits = key.valid_at(moment) and moment <= now + CLOCK_TOLERANCE
    except (ValueError, TypeError):
        raise BundleError("statement", "签名时间无法读取", "the time of signing is not readable") from None
    if not fits:
        raise BundleError(
            "expired-key",
            f"签名时间 {predicate['signedAt']} 不在密钥有效期内 (至 {key.expires})",
            f"signed at {predicate['signedAt']}, outside the life of the key (until {key.expires})",
        )


def statement_problems(run: Run, signatures: Sequence[Signature]) -> Iterator[Problem]:
    """Where a statement about this manifest contradicts the content: a fault of content, not of signature."""
    documents = {"manifest": run.manifest, "plan": run.plan, "footer": run.footer}
    for signature in signatures:
        if signature.kind == VERDICTS:
            yield from _verdict_problems(run, signature)
        elif signature.kind == TEST_RESULT:
            wanted = test_result(documents, signature.statement["subject"][0]["digest"]["sha256"])
            if signature.statement != wanted:
                yield Problem("statement-differs", signature.name, "与结果不符", "does not say what the results say")


def _verdict_problems(run: Run, signature: Signature) -> Iterator[Problem]:
    predicate = signature.statement["predicate"]
    for name in REPEATED:
        if predicate[name] != run.manifest[name]:
            yield Problem(
                "statement-differs", f"{signature.name} {name}", "与清单不一致", "the manifest says something else"
            )
    verdicts = run.footer["requirements"]
    rows = [
        {"id": row["id"], "selection": row["selection"], "verdict": verdicts.get(row["id"], "")}
        for row in run.plan["requirements"]
    ]
    if predicate["requirements"] != rows:
        yield Problem(
            "statement-differs", f"{signature.name} requirements", "与结果不一致", "the results say something else"
        )
