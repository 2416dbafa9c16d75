"""The declaration as a bundle holds it, where the run kept none: everything but the secrets and the lab's commands."""

from __future__ import annotations

from specs import declared_text
from specs.declaration import LoadedDeclaration


def declaration_text(loaded: LoadedDeclaration) -> bytes:
    """The declaration as YAML with every secret replaced, also inside URLs. Comments are not kept."""
    return declared_text.declaration_text(loaded).encode()
