"""Helpers of the camera's tests serve those of the platform too; every answer to a phone is held against the document
of the client interface."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from phone import Phone

from specs.client_api import load_client_api

sys.path.append(str(Path(__file__).parent.parent))


def faults(method: str, path: str, status: int, body: Any) -> list[str]:
    """What an answer has that the document does not allow."""
    api = load_client_api()
    operation = api.operation(method, path.partition("?")[0])
    if operation is None:
        return []
    if status < 300:
        if status not in operation.answers:
            return [f"{operation.id} answers {status}"]
        schema = operation.answers[status]
        if schema is None:
            return [] if body is None else [f"{operation.id} answers {status} with a body"]
        return [error.message for error in Draft202012Validator(api.schema(schema)).iter_errors(body)]
    known = {name: api.errors[name] for name in operation.errors}
    error = known.get(body["name"])
    if error is None or (error.status, error.code) != (status, body["code"]):
        return [f"{operation.id} answers {status} {body}"]
    form = Draft202012Validator(api.schema({"$ref": "#/components/schemas/Error"}))
    return [found.message for found in form.iter_errors(body)]


@pytest.fixture(autouse=True)
def contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test asks as a phone, the answer is one of the document."""
    plain = Phone.call

    async def call(self: Phone, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        status, found = await plain(self, method, path, body, **headers)
        assert faults(method, path, status, found) == []
        return status, found

    monkeypatch.setattr(Phone, "call", call)
