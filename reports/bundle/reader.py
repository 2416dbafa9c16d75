"""Opening a bundle from a stranger: bounded, no path outside, nothing unpacked to disk, nothing executed."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reports.bundle import layout
from reports.bundle.layout import BundleError

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Bundle:
    """An open bundle. Use as a context manager. Files are read one at a time, each within its declared size."""

    path: Path
    names: tuple[str, ...]
    _zip: zipfile.ZipFile
    _entries: dict[str, zipfile.ZipInfo]

    def size(self, name: str) -> int:
        """Unpacked size in bytes. Raises BundleError when there is no such file."""
        return self._entry(name).file_size

    def blocks(self, name: str) -> Iterator[bytes]:
        """The bytes of a file, block by block. Raises BundleError for damaged data."""
        entry = self._entry(name)
        try:
            with self._zip.open(entry) as stream:
                while block := stream.read(_BLOCK):
                    yield block
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, _zlib_error()) as error:
            raise BundleError("damaged-entry", f"{name} 已损坏: {error}", f"{name} is damaged: {error}") from None

    def read(self, name: str, limit: int = layout.MAX_DOCUMENT) -> bytes:
        """A whole file of at most ``limit`` bytes. Raises BundleError."""
        if self.size(name) > limit:
            raise BundleError("too-large", f"{name} 超过 {limit} 字节", f"{name} has more than {limit} bytes")
        return b"".join(self.blocks(name))

    def digest(self, name: str) -> str:
        """sha256 of a file. Raises BundleError."""
        found = hashlib.sha256()
        for block in self.blocks(name):
            found.update(block)
        return found.hexdigest()

    def document(self, name: str, limit: int = layout.MAX_DOCUMENT) -> dict[str, Any]:
        """A file as a JSON object. Raises BundleError."""
        return parse_object(name, self.read(name, limit))

    @cached_property
    def plan(self) -> dict[str, Any]:
        """plan.json. Raises BundleError."""
        return self.document(layout.PLAN)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """manifest.json. Raises BundleError."""
        return self.document(layout.MANIFEST)

    @cached_property
    def manifest_digest(self) -> str:
        """sha256 of manifest.json: the digest that stands for the bundle, in signatures and QR codes."""
        return self.digest(layout.MANIFEST)

    @cached_property
    def results_lines(self) -> tuple[dict[str, Any], ...]:
        """The lines of results.jsonl. Raises BundleError with the number of a line that is none."""
        lines = self.read(layout.RESULTS).split(b"\n")
        if lines.pop():
            raise BundleError("truncated", "results.jsonl 被截断", "results.jsonl is cut off in its last line")
        return tuple(parse_object(f"{layout.RESULTS}:{number}", line) for number, line in enumerate(lines, start=1))

    @property
    def signature_names(self) -> tuple[str, ...]:
        """Names of the signed envelopes."""
        return tuple(n for n in self.names if n.startswith(layout.SIGNATURES) and n.endswith(".dsse.json"))

    def below(self, folder: str) -> tuple[str, ...]:
        """Names of the files below a folder (``evidence/``, ``spec/``)."""
        return tuple(name for name in self.names if name.startswith(folder))

    def extract(self, folder: str, target: Path) -> None:
        """Write the files below ``folder`` (``spec/``, or "" for all) into an existing directory. Raises BundleError,
        OSError."""
        for name in self.below(folder):
            path = target / name.removeprefix(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                for block in self.blocks(name):
                    file.write(block)

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _entry(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._entries[name]
        except KeyError:
            raise BundleError("missing-file", f"证书包中没有 {name}", f"the bundle has no {name}") from None


def open_bundle(path: Path) -> Bundle:
    """Open a bundle after looking at every entry of its directory. Raises BundleError; the file is then closed."""
    try:
        if path.stat().st_size > layout.MAX_FILE:
            raise BundleError("too-large", "文件过大", f"the file has more than {layout.MAX_FILE} bytes")
        opened = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError, UnicodeDecodeError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError("not-a-zip", f"不是完整的 zip 文件: {error}", f"not a whole zip file: {error}") from None
    try:
        entries = opened.infolist()
        _check_directory(opened, entries)
    except BundleError:
        opened.close()
        raise
    return Bundle(path, tuple(entry.filename for entry in entries), opened, {e.filename: e for e in entries})


def parse_object(where: str, data: bytes) -> dict[str, Any]:
    """A JSON object without duplicate keys, NaN and half characters. Raises BundleError."""
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        if b"\\ud" in data.lower():
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BundleError("not-json", f"{where} 不是 JSON: {error}", f"{where} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BundleError("not-json", f"{where} 不是 JSON 对象", f"{where} is not a JSON object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _check_directory(opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > layout.MAX_ENTRIES:
        raise BundleError("too-many-files", "文件数过多", f"more than {layout.MAX_ENTRIES} files")
    if opened.comment:
        raise BundleError("zip-comment", "zip 带有注释", "the zip carries a comment")
    for entry in entries:
        _check_entry(entry)
    _check_names([entry.filename for entry in entries])
    if sum(entry.file_size for entry in entries) > layout.MAX_TOTAL:
        raise BundleError("zip-bomb", "解压后总量过大", f"unpacks to more than {layout.MAX_TOTAL} bytes")
    _check_overlap(opened, entries)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if entry.orig_filename != name or not layout.safe_name(name):
        raise BundleError("unsafe-name", f"不安全的文件名 {name!r}", f"the file name {name!r} is not safe")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise BundleError("not-a-file", f"{name} 不是普通文件", f"{name} is a link or a special file")
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        raise BundleError("zip-method", f"{name} 的压缩方式不允许", f"{name} is encrypted or packed in a foreign way")
    packed, size = entry.compress_size, entry.file_size
    if size > layout.MAX_ENTRY or (size > layout.FREE_EXPANSION and size > packed * layout.MAX_RATIO):
        raise BundleError("zip-bomb", f"{name} 解压后过大", f"{name} is a zip bomb: {packed} bytes become {size}")


def _check_names(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise BundleError("duplicate-name", f"文件名 {name} 重复", f"the name {name} stands twice")
        seen.add(name.lower())
    for name in seen:
        parents = name.split("/")[:-1]
        if any("/".join(parents[: k + 1]) in seen for k in range(len(parents))):
            raise BundleError("duplicate-name", f"{name} 的目录同时是文件", f"a folder of {name} is a file as well")


def _check_overlap(opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Entries lie one behind the other from the first byte: none shares data, nothing is hidden between them."""
    end = 0
    for entry in sorted(entries, key=lambda e: e.header_offset):
        start = entry.header_offset + 30 + len(entry.filename.encode())
        if entry.header_offset != end:
            raise BundleError("zip-structure", f"{entry.filename} 的位置不连续", f"{entry.filename} overlaps or a gap")
        end = start + entry.compress_size
    if end != opened.start_dir:
        raise BundleError("zip-structure", "zip 中有多余数据", "there are bytes that belong to no file")


def _zlib_error() -> type[Exception]:
    import zlib

    return zlib.error
