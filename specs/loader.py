"""Read the spec folder into frozen values. Errors carry file, line and a sentence."""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from specs.condition import Condition, parse_condition
from specs.kept import kept
from specs.model import BasisKey, Edition, Profile, Requirement, Text, Vocabulary
from specs.yaml_source import Document, KeyPath, SourceError, read_yaml

SPECS_ROOT = Path(__file__).parent
REQUIREMENT_FOLDERS = ("business", "interface", "cloud_storage", "client_ui", "test_plan")

T = TypeVar("T")
_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]+)`")
_PATH_STEP = re.compile(r"\.([A-Za-z_0-9-]+)|\[([0-9]+|\.\.\.)\]")


class UnknownName(LookupError):
    """A requirement id, profile or edition that the spec does not hold, with the nearest names."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name.upper() if kind == "requirement" else name, names, n=3, cutoff=0.4)
        self.kind = kind
        self.name = name
        self.near = near
        hint = f"; did you mean {', '.join(near)}?" if near else f"; known: {', '.join(names[:12])}"
        super().__init__(f"there is no {kind} named {name!r}{hint}")


def decode(document: Document, where: KeyPath, kind: type[T]) -> T:
    """Convert the data at ``where`` to ``kind``; a mismatch becomes a SourceError at its line."""
    data = document.data
    for key in where:
        data = data[key]
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        sentence, _, location = str(error).partition(" - at `$")
        steps = (*where, *_steps(data, location))
        unknown = _UNKNOWN_FIELD.search(sentence)
        raise document.error((*steps, unknown[1]) if unknown else steps, _plain(sentence, location)) from None


def _steps(data: Any, location: str) -> Iterator[str | int]:
    for name, index in _PATH_STEP.findall(location):
        if index == "...":
            return
        key: str | int = int(index) if index else name
        yield key
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return


def _plain(sentence: str, location: str) -> str:
    where = location.rstrip("`").lstrip(".")
    return f"{sentence} (at {where})" if where else sentence


class GroupHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of stanzas before its stanzas are read one by one, so that an error can name its line."""

    group: str
    title: Text
    requirements: list[Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a requirement stands."""

    path: Path
    line: int


@dataclass(frozen=True)
class Catalogue:
    """The whole spec. Requirements keep the order of the files."""

    root: Path
    requirements: dict[str, Requirement]
    origins: dict[str, Origin]
    groups: dict[str, Text]
    vocabulary: Vocabulary
    basis: dict[str, BasisKey]
    editions: tuple[Edition, ...]
    profiles: dict[str, Profile]
    digest: str
    _conditions: dict[str, Condition] = field(default_factory=dict)

    def requirement(self, requirement_id: str) -> Requirement:
        """The stanza of that id. Raises UnknownName."""
        try:
            return self.requirements[requirement_id]
        except KeyError:
            raise UnknownName("requirement", requirement_id, self.requirements) from None

    def matching(self, pattern: str) -> list[Requirement]:
        """Every requirement whose id fits the glob. Raises UnknownName when none does."""
        found = [r for r in self.requirements.values() if fnmatch.fnmatchcase(r.id, pattern)]
        if not found:
            raise UnknownName("requirement", pattern, self.requirements)
        return found

    def profile(self, profile_id: str) -> Profile:
        """The certification profile of that id. Raises UnknownName."""
        if profile_id not in self.profiles:
            raise UnknownName("profile", profile_id, self.profiles)
        return self.profiles[profile_id]

    def edition(self, edition_id: str) -> Edition:
        """The edition of that id. Raises UnknownName."""
        for edition in self.editions:
            if edition.id == edition_id:
                return edition
        raise UnknownName("edition", edition_id, [e.id for e in self.editions])

    def condition(self, text: str) -> Condition:
        """The parsed condition; each text is parsed once."""
        if text not in self._conditions:
            self._conditions[text] = parse_condition(text)
        return self._conditions[text]

    @cached_property
    def edition_order(self) -> dict[str, int]:
        """Edition id to its place in time."""
        return {edition.id: index for index, edition in enumerate(self.editions)}


def requirement_files(root: Path) -> list[Path]:
    """Every file of stanzas below ``root``: a YAML file of which the first key is ``group``."""
    files = []
    for folder in REQUIREMENT_FOLDERS:
        for path in sorted((root / folder).rglob("*.yaml")):
            with path.open(encoding="utf-8", errors="replace") as stream:
                first = next((line for line in stream if line.strip() and not line.startswith("#")), "")
            if first.startswith("group:"):
                files.append(path)
    return files


def _load_requirements(
    root: Path, sources: list[Path]
) -> tuple[dict[str, Requirement], dict[str, Origin], dict[str, Text]]:
    requirements: dict[str, Requirement] = {}
    origins: dict[str, Origin] = {}
    groups: dict[str, Text] = {}
    for path in sources:
        document = read_yaml(path)
        group = decode(document, (), GroupHead)
        groups[group.group] = group.title
        for index in range(len(group.requirements)):
            requirement = decode(document, ("requirements", index), Requirement)
            where: KeyPath = ("requirements", index, "id")
            if requirement.id in origins:
                first = origins[requirement.id]
                raise document.error(where, f"{requirement.id} stands already in {first.path.name}:{first.line}")
            if requirement.group != group.group:
                raise document.error(where, f"{requirement.id} does not belong to the group {group.group}")
            requirements[requirement.id] = requirement
            origins[requirement.id] = Origin(path, document.line(where))
    return requirements, origins, groups


def _load_profiles(root: Path) -> dict[str, Profile]:
    profiles: dict[str, Profile] = {}
    for path in sorted((root / "test_plan" / "profiles").glob("*.yaml")):
        document = read_yaml(path)
        profile = decode(document, (), Profile)
        if profile.id in profiles:
            raise document.error(("id",), f"the profile {profile.id} stands here a second time")
        profiles[profile.id] = profile
    return profiles


def spec_digest(root: Path) -> str:
    """sha256 over the names and bytes of every YAML file of the spec, in sorted order."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.yaml")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def load_catalogue(root: Path | None = None) -> Catalogue:
    """Read a spec folder (the one that is shipped by default, read once). Raises SourceError with file and line."""
    return _catalogue(root, spec_digest(root), _read(root)) if root is not None else _shipped_catalogue()


class _Content(msgspec.Struct, frozen=True):
    """A catalogue as it is kept. ``origins``: file and line."""

    requirements: dict[str, Requirement]
    origins: dict[str, tuple[str, int]]
    groups: dict[str, Text]
    vocabulary: Vocabulary
    basis: dict[str, BasisKey]
    editions: tuple[Edition, ...]
    profiles: dict[str, Profile]


@lru_cache(maxsize=1)
def _shipped_catalogue() -> Catalogue:
    digest = spec_digest(SPECS_ROOT)
    found = kept(SPECS_ROOT / "__pycache__" / "catalogue.msgpack", _Content, digest, lambda: _read(SPECS_ROOT))
    return _catalogue(SPECS_ROOT, digest, found)


def _catalogue(root: Path, digest: str, content: _Content) -> Catalogue:
    given = {name: getattr(content, name) for name in content.__struct_fields__}
    given["origins"] = {i: Origin(root / file, line) for i, (file, line) in content.origins.items()}
    return Catalogue(root=root, digest=digest, **given)


def _read(root: Path) -> _Content:
    vocabulary = decode(read_yaml(root / "features.yaml"), (), Vocabulary)
    basis = decode(read_yaml(root / "basis.yaml"), ("basis",), dict[str, BasisKey])
    editions = decode(read_yaml(root / "editions.yaml"), ("editions",), tuple[Edition, ...])
    requirements, origins, groups = _load_requirements(root, requirement_files(root))
    places = {i: (origin.path.relative_to(root).as_posix(), origin.line) for i, origin in origins.items()}
    return _Content(requirements, places, groups, vocabulary, basis, editions, _load_profiles(root))


__all__ = [
    "SPECS_ROOT",
    "Catalogue",
    "Origin",
    "SourceError",
    "UnknownName",
    "decode",
    "load_catalogue",
    "requirement_files",
    "spec_digest",
]
