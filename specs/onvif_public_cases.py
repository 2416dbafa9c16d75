"""The cases of the public ONVIF test specifications that stanzas may cite, and the check that they cite no other."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from specs.loader import Catalogue, decode
from specs.yaml_source import Document, SourceError, read_yaml

#: The key of basis.yaml of which a clause is a list of case ids.
BASIS_KEY = "ONVIF-CASES"
CASE_LIST = Path("interface") / "onvif_public_cases.yaml"


class PublicCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case. ``title``: its short title in the book; ``seen``: where in the book its id was read."""

    id: str
    title: str
    seen: Literal["heading", "history"]


class CaseBook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One book of cases. ``file`` and ``commit``: of the public repository, as it was read."""

    title: str
    file: str
    commit: str
    cases: tuple[PublicCase, ...]


def load_public_cases(root: Path) -> dict[str, PublicCase]:
    """The cases of the list below ``root`` by id; empty where there is no list. Raises SourceError, also for an id that
    stands there twice."""
    path = root / CASE_LIST
    if not path.exists():
        return {}
    document = read_yaml(path)
    found: dict[str, PublicCase] = {}
    for number, book in enumerate(decode(document, ("books",), tuple[CaseBook, ...])):
        for index, case in enumerate(book.cases):
            if case.id in found:
                raise document.error(("books", number, "cases", index), f"{case.id} stands in the list twice")
            found[case.id] = case
    return found


def cited_cases(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """Case id -> ids of the requirements that cite it, for each case that is cited."""
    found: dict[str, tuple[str, ...]] = {}
    for requirement in catalogue.requirements.values():
        for basis in requirement.basis:
            if basis.ref == BASIS_KEY:
                for case in case_ids(basis.clause):
                    found[case] = (*found.get(case, ()), requirement.id)
    return found


def case_ids(clause: str) -> list[str]:
    """What a clause lists: ids, one comma and a space between two."""
    return clause.split(", ") if clause else []


def case_faults(catalogue: Catalogue) -> Iterator[SourceError]:
    """Each cited id that the list does not hold, and each citation of nothing, at the line of its basis."""
    try:
        known = load_public_cases(catalogue.root)
    except SourceError as error:
        yield error
        return
    citing = {r.id for r in catalogue.requirements.values() if any(b.ref == BASIS_KEY for b in r.basis)}
    for path in sorted({catalogue.origins[requirement_id].path for requirement_id in citing}):
        yield from _faults_in(read_yaml(path), known)


def _faults_in(document: Document, known: Mapping[str, PublicCase]) -> Iterator[SourceError]:
    for number, stanza in enumerate(document.data["requirements"]):
        for index, basis in enumerate(stanza["basis"]):
            if basis["ref"] == BASIS_KEY:
                for sentence in _citation_faults(basis.get("clause", ""), basis.get("note", ""), known):
                    where = ("requirements", number, "basis", index)
                    yield document.error(where, f"{stanza['id']}: {sentence}")


def _citation_faults(clause: str, note: str, known: Mapping[str, PublicCase]) -> Iterator[str]:
    cited = case_ids(clause)
    if not cited and not note:
        yield f"the basis {BASIS_KEY} names neither a case nor a document"
    for index, case in enumerate(cited):
        if case not in known:
            near = difflib.get_close_matches(case, known, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            yield f"{case} is no case of {CASE_LIST.as_posix()}{hint}"
        elif case in cited[:index]:
            yield f"{case} is cited twice"
