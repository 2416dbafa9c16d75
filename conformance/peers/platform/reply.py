"""What a platform answered to a phone, and what of it the document of the client interface does not allow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator

from conformance.protocols.http_answer import HttpAnswer
from specs.client_api import ClientApi, Operation

SHOWN = 160
_JSON = "application/json"


@dataclass(frozen=True)
class Reply:
    """An answer. ``http``: None where none came, ``why``: the reason then; ``sent``: the request as it went out."""

    operation: Operation
    http: HttpAnswer | None
    sent: bytes
    why: str = ""

    @property
    def status(self) -> int:
        """HTTP status, 0 for no answer."""
        return self.http.status if self.http else 0

    @property
    def ok(self) -> bool:
        """Whether it is the success that the document names."""
        return self.status in self.operation.answers

    @property
    def raw(self) -> bytes:
        """The body."""
        return self.http.body if self.http else b""

    @cached_property
    def body(self) -> Any:
        """The body read as JSON; None where it is empty or no JSON."""
        try:
            return json.loads(self.raw) if self.raw else None
        except (ValueError, RecursionError):
            return None

    @property
    def error(self) -> str:
        """Name of the coded error, empty for none."""
        found = self.body.get("name") if isinstance(self.body, dict) and not self.ok else None
        return found if isinstance(found, str) else ""

    @property
    def summary(self) -> str:
        """One line: status and error, or the beginning of the body."""
        if self.http is None:
            return self.why
        told = self.error or self.raw[:SHOWN].decode("utf-8", "replace")
        return f"{self.operation.id}: {self.status} {told}".rstrip()

    def at(self, *path: str | int) -> Any:
        """What stands at a path of names and numbers; None where it ends."""
        found = self.body
        for part in path:
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    @property
    def items(self) -> list[Any]:
        """The entries of a list or a page."""
        found = self.at("items")
        return found if isinstance(found, list) else []


def flaws(api: ClientApi, reply: Reply) -> list[str]:
    """What the document does not allow, each with its JSON path; empty for an answer that fits."""
    if reply.http is None:
        return [reply.why]
    operation = reply.operation
    if reply.ok:
        return _against(api, operation.answers[reply.status], reply)
    if reply.status < 400:
        return [f"status {reply.status} is not one of {operation.id}"]
    found = _against(api, {"$ref": "#/components/schemas/Error"}, reply)
    if found:
        return found
    coded = api.errors.get(reply.error)
    if coded is None:
        return [f"$.name: {reply.error!r} is not in the list of errors"]
    if reply.error not in operation.errors:
        return [f"$.name: {reply.error} is not an error of {operation.id}"]
    if (coded.status, coded.code) != (reply.status, reply.at("code")):
        return [
            f"status {reply.status} with code {reply.at('code')}: {reply.error} is {coded.status} with {coded.code}"
        ]
    return []


def _against(api: ClientApi, schema: dict[str, Any] | None, reply: Reply) -> list[str]:
    if schema is None:
        return ["a body where there is none"] if reply.raw else []
    kind = (reply.http.header("content-type") or "").partition(";")[0].strip().lower() if reply.http else ""
    if kind != _JSON:
        return [f"Content-Type {kind or '-'}"]
    if reply.body is None:
        return ["the body is no JSON"]
    faults = Draft202012Validator(api.schema(schema)).iter_errors(reply.body)
    return [f"{fault.json_path}: {fault.message[:SHOWN]}" for fault in faults]
