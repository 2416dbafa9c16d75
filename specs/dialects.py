"""Dialects of S3-compatible storages (specs/cloud_storage/dialects.yaml) as frozen values."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from specs.loader import decode
from specs.model import Text
from specs.yaml_source import read_yaml

DIALECTS_PATH = Path(__file__).parent / "cloud_storage" / "dialects.yaml"

SignatureVersion = Literal["v2", "v4"]


class PolicyVocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of bucket policies: key of the principal, prefixes of actions and resources, names of condition keys."""

    principal: str
    action: str
    resource: str
    referer: str
    source_ip: str


class BucketNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules for names: bytes, and what is allowed beside lower case, digits, dots and dashes."""

    min: int
    max: int
    upper_case: bool
    number_groups: bool
    double_dash: bool


class LifecycleRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``rules``: at most so many in a bucket; ``overlap``: prefixes of one type may overlap."""

    rules: int
    overlap: bool


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One dialect. ``signature``: version that clients use; ``both_signatures``: what counts when URL and header carry
    one; ``existing_bucket``: answer to a PUT of an own bucket; sizes in bytes."""

    name: str
    title: Text
    signature: SignatureVersion
    signatures: tuple[SignatureVersion, ...]
    region: str
    server: str
    default_type: str
    metadata_bytes: int
    header_bytes: int
    both_signatures: Literal["header", "refuse"]
    existing_bucket: Literal["ok", "conflict"]
    list_v2: bool
    policy: PolicyVocabulary
    bucket_names: BucketNames
    lifecycle: LifecycleRules


class DialectFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """dialects.yaml."""

    kandian: Literal["dialects/1"]
    dialects: tuple[Dialect, ...]


@lru_cache
def load_dialects(path: Path = DIALECTS_PATH) -> dict[str, Dialect]:
    """Every dialect by name. Raises SourceError with file and line."""
    return {dialect.name: dialect for dialect in decode(read_yaml(path), (), DialectFile).dialects}
