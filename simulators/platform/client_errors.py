"""Errors of the client interface, as its document lists them."""

from __future__ import annotations

from typing import Any

from specs.client_api import load_client_api


def error_body(name: str, detail: str = "") -> dict[str, Any]:
    """The body of an error answer."""
    error = load_client_api().errors[name]
    body: dict[str, Any] = {"code": error.code, "name": name, "message": {"zh": error.text.zh, "en": error.text.en}}
    return body | ({"detail": detail} if detail else {})


def error_status(name: str) -> int:
    """The HTTP status of an error."""
    return load_client_api().errors[name].status
