"""Bad bundles, each made from a good one by one change. tests/data/bundles/NAME_fail/README.md says what to expect."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bundle_sample import SIGNED_AT

from reports.bundle.dsse import seal
from reports.bundle.keys import PrivateKey
from reports.bundle.layout import canonical_json, document_digest, json_line
from reports.bundle.statement import envelopes, verdict_statement
from reports.bundle.writer import DATE, write_entries

Files = dict[str, bytes]
RESULTS = "results.jsonl"


@dataclass(frozen=True)
class Workshop:
    """What a forger has: a failing run packed and signed by a lab, and keys."""

    good: Path
    lab: PrivateKey
    vendor: PrivateKey
    stranger: PrivateKey
    short_lived: PrivateKey

    def files(self) -> Files:
        with zipfile.ZipFile(self.good) as bundle:
            return {name: bundle.read(name) for name in bundle.namelist()}


CASES: dict[str, Callable[[Workshop, Path], None]] = {}


def case(change: Callable[[Workshop, Files], None]) -> Callable[[Workshop, Files], None]:
    """Register a change of the files of a good bundle."""

    def make(shop: Workshop, target: Path) -> None:
        files = shop.files()
        change(shop, files)
        write_entries(target, files)

    CASES[change.__name__] = make
    return change


def raw_case(make: Callable[[Workshop, Path], None]) -> Callable[[Workshop, Path], None]:
    """Register a case that writes its zip itself."""
    CASES[make.__name__] = make
    return make


def lines_of(files: Files) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files[RESULTS].splitlines()]


def put_lines(files: Files, lines: list[dict[str, Any]]) -> None:
    files[RESULTS] = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def renew_manifest(files: Files, **figures: Any) -> None:
    """Make the manifest fit the files again, with these figures."""
    manifest = json.loads(files["manifest.json"])
    listed = {name: data for name, data in files.items() if name != "manifest.json" and "signatures/" not in name}
    manifest["files"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in listed.items()
    }
    files["manifest.json"] = json_line({**manifest, **figures})


def documents(files: Files) -> dict[str, Any]:
    return {
        "manifest": json.loads(files["manifest.json"]),
        "plan": json.loads(files["plan.json"]),
        "footer": lines_of(files)[-1],
    }


def sign_again(files: Files, key: PrivateKey, moment: datetime = SIGNED_AT) -> None:
    for name in [name for name in files if name.startswith("signatures/")]:
        del files[name]
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    files.update(envelopes(documents(files), digest, key, moment))


def whitewash(files: Files) -> None:
    """Turn the failed test into a passed one wherever it is counted, but not its checks."""
    lines = lines_of(files)
    test, footer = lines[1], lines[-1]
    (requirement,) = test["requirements"]
    test.update(verdict="PASS", requirements={requirement: "PASS"}, reason={"zh": "", "en": ""})
    footer["requirements"][requirement] = "PASS"
    footer.update(counts={"PASS": 4}, exit_code=0)
    footer["digest"] = document_digest(footer)
    put_lines(files, lines)


def whitewashed_counts(files: Files) -> dict[str, int]:
    counts = dict(json.loads(files["manifest.json"])["counts"])
    counts.pop("FAIL")
    return {**counts, "PASS": counts["PASS"] + 1}


@case
def edited_verdict(shop: Workshop, files: Files) -> None:
    whitewash(files)


@case
def edited_verdict_new_manifest(shop: Workshop, files: Files) -> None:
    whitewash(files)
    renew_manifest(files, counts=whitewashed_counts(files), exit_code=0)


@case
def edited_verdict_signed_again(shop: Workshop, files: Files) -> None:
    whitewash(files)
    renew_manifest(files, counts=whitewashed_counts(files), exit_code=0)
    sign_again(files, shop.lab)


@case
def dropped_test(shop: Workshop, files: Files) -> None:
    lines = lines_of(files)
    del lines[1]
    put_lines(files, lines)
    renew_manifest(files)


@case
def added_test(shop: Workshop, files: Files) -> None:
    lines = lines_of(files)
    lines.insert(-1, {**lines[-2], "id": "sample.invented", "index": 99, "evidence": "evidence/sample.invented"})
    put_lines(files, lines)
    renew_manifest(files)


@case
def swapped_device(shop: Workshop, files: Files) -> None:
    lines = lines_of(files)
    lines[0]["device"]["dev_id"] = "KDN00000666"
    put_lines(files, lines)
    renew_manifest(files, device=lines[0]["device"])
    sign_again(files, shop.lab)


@case
def other_spec(shop: Workshop, files: Files) -> None:
    name = "spec/interface/anti_hotlink.yaml"
    files[name] = files[name].replace(b"level: MUST", b"level: MAY ")
    renew_manifest(files)


@case
def other_levels(shop: Workshop, files: Files) -> None:
    table = json.loads(files["requirements.json"])
    for stanza in table.values():
        stanza["level"] = "MAY"
    files["requirements.json"] = json_line(table)
    renew_manifest(files)
    sign_again(files, shop.lab)


@case
def truncated_results(shop: Workshop, files: Files) -> None:
    files[RESULTS] = files[RESULTS][:-40]
    renew_manifest(files)


@case
def reordered_lines(shop: Workshop, files: Files) -> None:
    lines = lines_of(files)
    lines[1], lines[2] = lines[2], lines[1]
    put_lines(files, lines)


@case
def reordered_lines_signed_again(shop: Workshop, files: Files) -> None:
    reordered_lines(shop, files)
    renew_manifest(files)
    sign_again(files, shop.lab)


@case
def wrong_key(shop: Workshop, files: Files) -> None:
    sign_again(files, shop.stranger)
    for name in [name for name in files if name.startswith("signatures/")]:
        envelope = json.loads(files[name])
        envelope["signatures"][0]["keyid"] = shop.lab.keyid
        files[name] = json_line(envelope)


@case
def unknown_key(shop: Workshop, files: Files) -> None:
    sign_again(files, shop.stranger)


@case
def expired_key(shop: Workshop, files: Files) -> None:
    sign_again(files, shop.short_lived)


@case
def signed_in_future(shop: Workshop, files: Files) -> None:
    sign_again(files, shop.lab, datetime(2025, 12, 1, tzinfo=UTC))


@case
def vendor_as_lab(shop: Workshop, files: Files) -> None:
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    sign_again(files, shop.vendor)
    statement = verdict_statement(documents(files), digest, "lab", SIGNED_AT)
    name = next(name for name in files if name.endswith("verdicts.dsse.json"))
    files[name] = json_line(seal(canonical_json(statement), shop.vendor))


@case
def unsigned(shop: Workshop, files: Files) -> None:
    for name in [name for name in files if name.startswith("signatures/")]:
        del files[name]


@case
def edited_statement(shop: Workshop, files: Files) -> None:
    name = next(name for name in files if name.endswith("verdicts.dsse.json"))
    envelope = json.loads(files[name])
    envelope["payload"] = ("A" if envelope["payload"][0] != "A" else "B") + envelope["payload"][1:]
    files[name] = json_line(envelope)


@case
def wrong_counts_signed(shop: Workshop, files: Files) -> None:
    renew_manifest(files, counts=whitewashed_counts(files))
    sign_again(files, shop.lab)


@case
def statement_says_otherwise(shop: Workshop, files: Files) -> None:
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    statement = verdict_statement(documents(files), digest, "lab", SIGNED_AT)
    row = next(row for row in statement["predicate"]["requirements"] if row["verdict"] == "FAIL")
    row["verdict"] = "PASS"
    name = next(name for name in files if name.endswith("verdicts.dsse.json"))
    files[name] = json_line(seal(canonical_json(statement), shop.lab))


@case
def changed_evidence(shop: Workshop, files: Files) -> None:
    name = next(name for name in files if name.startswith("evidence/"))
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])


@case
def missing_evidence(shop: Workshop, files: Files) -> None:
    del files[next(name for name in files if name.startswith("evidence/"))]
    renew_manifest(files)
    sign_again(files, shop.lab)


@case
def missing_file(shop: Workshop, files: Files) -> None:
    del files["environment.json"]


@case
def extra_file(shop: Workshop, files: Files) -> None:
    files["evidence/session/note.txt"] = b"put here later"


@case
def duplicate_json_key(shop: Workshop, files: Files) -> None:
    files["manifest.json"] = files["manifest.json"].replace(b'"exit_code": 1', b'"exit_code": 1, "exit_code": 0')
    sign_again(files, shop.lab)


def with_entry(shop: Workshop, target: Path, entry: zipfile.ZipInfo, data: bytes) -> None:
    target.write_bytes(shop.good.read_bytes())
    with zipfile.ZipFile(target, "a") as bundle:
        bundle.writestr(entry, data)


@raw_case
def path_traversal(shop: Workshop, target: Path) -> None:
    with_entry(shop, target, zipfile.ZipInfo("evidence/../../outside.txt", DATE), b"x")


@raw_case
def absolute_path(shop: Workshop, target: Path) -> None:
    with_entry(shop, target, zipfile.ZipInfo("/tmp/outside.txt", DATE), b"x")


@raw_case
def backslash_path(shop: Workshop, target: Path) -> None:
    with_entry(shop, target, zipfile.ZipInfo("..\\outside.txt", DATE), b"x")


@raw_case
def symlink(shop: Workshop, target: Path) -> None:
    entry = zipfile.ZipInfo("evidence/session/link", DATE)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with_entry(shop, target, entry, b"/etc/passwd")


@raw_case
def zip_bomb(shop: Workshop, target: Path) -> None:
    entry = zipfile.ZipInfo("evidence/session/bomb", DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with_entry(shop, target, entry, bytes(64 << 20))


@raw_case
def duplicate_names(shop: Workshop, target: Path) -> None:
    data = shop.good.read_bytes()
    first, second = b"evidence/session/aa", b"evidence/session/ab"
    target.write_bytes(data)
    with zipfile.ZipFile(target, "a") as bundle:
        for name in (first, second):
            bundle.writestr(zipfile.ZipInfo(name.decode(), DATE), b"x")
    target.write_bytes(target.read_bytes().replace(second, first))


@raw_case
def names_differ_in_case(shop: Workshop, target: Path) -> None:
    with_entry(shop, target, zipfile.ZipInfo("PLAN.json", DATE), b"{}")


@raw_case
def hidden_bytes(shop: Workshop, target: Path) -> None:
    target.write_bytes(b"#!/bin/sh\n" + shop.good.read_bytes())


@raw_case
def two_directories_one_body(shop: Workshop, target: Path) -> None:
    """The central directory names the same bytes twice, under two names of equal length."""
    buffer = io.BytesIO(shop.good.read_bytes())
    with zipfile.ZipFile(buffer, "a") as bundle:
        twin = zipfile.ZipInfo("evidence/session/twin", DATE)
        bundle.writestr(twin, b"x")
        copy = zipfile.ZipInfo("evidence/session/copy", DATE)
        copy.header_offset, copy.CRC, copy.file_size, copy.compress_size = twin.header_offset, twin.CRC, 1, 1
        bundle.filelist.append(copy)
    target.write_bytes(buffer.getvalue())


@raw_case
def encrypted_entry(shop: Workshop, target: Path) -> None:
    data = bytearray(shop.good.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    target.write_bytes(bytes(data))


@raw_case
def cut_off_file(shop: Workshop, target: Path) -> None:
    target.write_bytes(shop.good.read_bytes()[:-100])


@raw_case
def not_a_zip(shop: Workshop, target: Path) -> None:
    target.write_bytes(b"certified: yes\n")
