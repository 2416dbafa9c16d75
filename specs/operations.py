"""The operations of an S3-compatible storage (specs/cloud_storage/operations.yaml) as frozen values."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from specs.loader import decode
from specs.model import Text
from specs.yaml_source import Document, read_yaml

OPERATIONS_PATH = Path(__file__).parent / "cloud_storage" / "operations.yaml"

Level = Literal["service", "bucket", "object"]
Body = Literal["none", "bytes", "delete", "complete", "lifecycle", "policy", "cors"]


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition under which an operation is refused: status, error code, and where that is written."""

    status: tuple[int, ...]
    code: str
    zh: str
    en: str
    clause: str

    @property
    def about(self) -> Text:
        """What is wrong with the request, in both languages."""
        return Text(zh=self.zh, en=self.en)


class Success(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a success looks like. ``headers``: that must be there; ``root`` and ``elements``: of its document."""

    status: tuple[int, ...]
    headers: tuple[str, ...] = ()
    root: str = ""
    elements: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One operation. ``query`` and ``headers`` may hold ``{bucket}``, ``{key}``, ``{upload}``; ``limits``: the limit of
    a requirement (``CS-065.last``) that bounds a field; ``feature``: what a declaration calls it; ``dialects``: that
    have it, all with none; ``refusals``: names of conditions."""

    name: str
    at: Level
    method: Literal["GET", "HEAD", "PUT", "POST", "DELETE"]
    success: Success
    refusals: tuple[str, ...]
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: Body = "none"
    limits: dict[str, str] = {}
    feature: str = ""
    dialects: tuple[str, ...] = ()

    @property
    def on_upload(self) -> bool:
        """Whether it works on a multipart upload that was begun."""
        return "{upload}" in self.query.values()


class OperationTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """operations.yaml."""

    kandian: Literal["operations/1"]
    conditions: dict[str, Refusal]
    operations: tuple[Operation, ...]

    def of(self, dialect: str) -> list[Operation]:
        """The operations that a dialect has."""
        return [op for op in self.operations if not op.dialects or dialect in op.dialects]


@lru_cache
def load_operations(path: Path = OPERATIONS_PATH) -> OperationTable:
    """The table. Raises SourceError with file and line."""
    document = read_yaml(path)
    table = decode(document, (), OperationTable)
    _check(document, table)
    return table


def _check(document: Document, table: OperationTable) -> None:
    names: set[str] = set()
    for number, operation in enumerate(table.operations):
        if operation.name in names:
            raise document.error(("operations", number), f"{operation.name} stands here twice")
        names.add(operation.name)
        for refusal in operation.refusals:
            if refusal not in table.conditions:
                raise document.error(("operations", number, "refusals"), f"there is no condition {refusal}")
