"""The client interface of platforms (specs/interface/client.openapi.yaml, OpenAPI 3.1) as frozen values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from specs.model import Text
from specs.yaml_source import Document, KeyPath, read_yaml

CLIENT_API_PATH = Path(__file__).parent / "interface" / "client.openapi.yaml"
METHODS = ("get", "put", "post", "delete", "patch")
JSON = "application/json"
_PARAMETER = re.compile(r"\{(\w+)\}")
_HAN = re.compile(r"[㐀-鿿]")


@dataclass(frozen=True, slots=True)
class CodedError:
    """One entry of the error list. ``status``: the HTTP status that goes with it."""

    code: int
    status: int
    text: Text


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query. ``schema``: JSON Schema of its value."""

    name: str
    required: bool
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CheckSum:
    """The third-party form: the lower-case hex digest of the parts in their order. ``window``: seconds."""

    digest: str
    message: tuple[str, ...]
    window: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. ``path``: a template; ``open``: needs no session; ``request``: JSON Schema of its body, None for
    none; ``answers``: JSON Schema by status, None for no body; ``errors``: names; ``right``: what a user must have on
    the terminal or alarm in its path, empty where none is asked; ``query``: its parameters."""

    id: str
    method: str
    path: str
    title: Text
    open: bool
    request: dict[str, Any] | None
    answers: dict[int, dict[str, Any] | None]
    errors: tuple[str, ...]
    right: str = ""
    query: tuple[Parameter, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters of its path."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def success(self) -> int:
        """The status of a success."""
        return min(self.answers)

    def fits(self, method: str, path: str) -> bool:
        """Whether a request is one of this operation; ``path`` without query."""
        pattern = "/".join("[^/]+" if _PARAMETER.fullmatch(part) else re.escape(part) for part in self.path.split("/"))
        return method == self.method and re.fullmatch(pattern, path) is not None


@dataclass(frozen=True)
class ClientApi:
    """The whole interface. ``schemas``: its components, for ``$ref``."""

    operations: tuple[Operation, ...]
    errors: dict[str, CodedError]
    schemas: dict[str, Any]
    check_sum: CheckSum

    def named(self, operation_id: str) -> Operation:
        """The operation of that id. Raises KeyError."""
        return {operation.id: operation for operation in self.operations}[operation_id]

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation of a request; a fixed path goes before one with parameters."""
        found = [operation for operation in self.operations if operation.fits(method, path)]
        return min(found, key=lambda operation: operation.path.count("{"), default=None)

    def schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema of an operation that stands on its own, with the components that it refers to."""
        return {**schema, "components": {"schemas": self.schemas}}


@lru_cache
def load_client_api(path: Path = CLIENT_API_PATH) -> ClientApi:
    """The interface. Raises SourceError with file and line for what is no such document."""
    document = read_yaml(path)
    if not isinstance(document.data, dict) or not str(document.data.get("openapi", "")).startswith("3.1"):
        raise document.error(("openapi",), "this is no OpenAPI 3.1 document")
    _check_references(document, (), document.data)
    errors = {name: _error(document, name) for name in document.data["x-errors"]}
    operations = tuple(
        _operation(document, errors, template, method)
        for template, item in document.data["paths"].items()
        for method in item
        if method in METHODS
    )
    names = [operation.id for operation in operations]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise document.error(("paths",), f"the operationId {twice[0]} stands here twice")
    told = document.data["x-check-sum"]
    check_sum = CheckSum(told["digest"], tuple(told["message"]), told["window"])
    return ClientApi(operations, errors, document.data["components"]["schemas"], check_sum)


def _error(document: Document, name: str) -> CodedError:
    found = document.data["x-errors"][name]
    return CodedError(found["code"], found["status"], _text(document, ("x-errors", name), found))


def _text(document: Document, where: KeyPath, found: dict[str, Any]) -> Text:
    zh, en = str(found.get("zh", "")), str(found.get("en", ""))
    if not _HAN.search(zh) or not en or _HAN.search(en):
        raise document.error(where, "both languages are needed: zh and en")
    return Text(zh=zh, en=en)


def _operation(document: Document, errors: dict[str, CodedError], template: str, method: str) -> Operation:
    where: KeyPath = ("paths", template, method)
    found = document.data["paths"][template][method]
    named = tuple(found.get("x-errors", ()))
    if unknown := [name for name in named if name not in errors]:
        raise document.error((*where, "x-errors"), f"there is no error {unknown[0]}")
    stated = {parameter["name"] for parameter in found.get("parameters", ()) if parameter["in"] == "path"}
    if set(_PARAMETER.findall(template)) != stated:
        raise document.error(where, f"the parameters of {template} are not those that it states")
    answers = {
        int(status): _body(_resolved(document, answer))
        for status, answer in found["responses"].items()
        if status.startswith("2")
    }
    request = _body(found["requestBody"]) if "requestBody" in found else None
    title = _text(document, where, found.get("x-title", {}))
    is_open = found.get("security") == []
    query = tuple(
        Parameter(parameter["name"], bool(parameter.get("required")), parameter["schema"])
        for parameter in found.get("parameters", ())
        if parameter["in"] == "query"
    )
    right = str(found.get("x-right", ""))
    identity = (found["operationId"], method.upper(), template, title, is_open)
    return Operation(*identity, request, answers, named, right, query)


def _body(part: dict[str, Any]) -> dict[str, Any] | None:
    content = part.get("content")
    return dict(content[JSON]["schema"]) if content else None


def _resolved(document: Document, part: dict[str, Any]) -> dict[str, Any]:
    return part if "$ref" not in part else dict(_target(document.data, part["$ref"]))


def _target(root: Any, reference: str) -> Any:
    for name in reference.removeprefix("#/").split("/"):
        root = root[name]
    return root


def _check_references(document: Document, where: KeyPath, value: Any) -> None:
    for key, child in _children(value):
        if key == "$ref":
            try:
                _target(document.data, str(child))
            except (KeyError, TypeError):
                raise document.error((*where, key), f"{child} does not exist") from None
        else:
            _check_references(document, (*where, key), child)


def _children(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
