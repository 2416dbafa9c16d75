"""JSON Schemas of our files, made from the typed models: `python -m specs.schemas` writes them into specs/schema/.

The message table, the plan and the result lines have schemas written by hand, because their form is richer than types.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from specs.bundle_files import Environment, Manifest, PublicKeyFile, VerdictStatement
from specs.declaration import Declaration
from specs.model import Edition, Profile, RequirementFile
from specs.onvif_operations import ConditionTable, ServiceTable
from specs.operations import OperationTable
from specs.qualification_files import MutantList, QualificationFile
from specs.stream_urls import SchemeFile
from specs.waiver_files import BaselineFile, PolicyFile, WaiverFile

SCHEMA_FOLDER = Path(__file__).parent / "schema"


class EditionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """editions.yaml."""

    editions: tuple[Edition, ...]


GENERATED: dict[str, tuple[Any, str]] = {
    "requirement": (RequirementFile, "A file of requirement stanzas"),
    "profile": (Profile, "A certification profile"),
    "edition": (EditionFile, "The editions of the spec series"),
    "declaration": (Declaration, "A declaration (implementation conformance statement)"),
    "mutant_list": (MutantList, "The list of mutants that the suites are proved against"),
    "stream_urls": (SchemeFile, "Signed-URL schemes"),
    "operations": (OperationTable, "Operations of a cloud storage"),
    "onvif_operations": (ServiceTable, "Operations of an ONVIF service"),
    "onvif_conditions": (ConditionTable, "Faults and access classes of ONVIF services"),
    "manifest": (Manifest, "manifest.json of a certificate bundle"),
    "environment": (Environment, "environment.json of a certificate bundle"),
    "public_key": (PublicKeyFile, "The public half of a signing key"),
    "statement": (VerdictStatement, "The in-toto Statement that a signer of a bundle makes"),
    "waivers": (WaiverFile, "Waivers: violations that somebody answers for until a day"),
    "baseline": (BaselineFile, "The expected failures of a product in CI"),
    "policy": (PolicyFile, "What `kandian gate` does with each kind of difference"),
    "qualification": (QualificationFile, "What `kandian qualify --json` writes"),
}


def generated_schema(name: str) -> dict[str, Any]:
    """The schema of that kind of file (JSON Schema 2020-12)."""
    kind, title = GENERATED[name]
    schema: dict[str, Any] = json.loads(json.dumps(msgspec.json.schema(kind)))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def main() -> None:
    """Write every generated schema."""
    for name in GENERATED:
        text = json.dumps(generated_schema(name), ensure_ascii=False, indent=1) + "\n"
        (SCHEMA_FOLDER / f"{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
