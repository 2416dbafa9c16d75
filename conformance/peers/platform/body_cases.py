"""Bodies of requests made from the schemas of the client interface: a good one, and bad ones with one mistake each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specs.client_api import ClientApi

Schema = dict[str, Any]
#: Texts that a pattern of the document may take; the first that fits is used.
TEXTS = (
    "13900000000",
    "KDN99999999",
    "2013-08-01T00:00:00Z",
    "KDN99999999,kandian",
    "http://127.0.0.1:9/kandian",
    "ftp://127.0.0.1/kandian.bin",
)
OTHER = {"string": 7, "integer": "seven", "number": "seven", "boolean": "maybe", "array": "none", "object": []}


def resolved(api: ClientApi, schema: Schema) -> Schema:
    """The schema that a reference leads to."""
    return resolved(api, api.schemas[schema["$ref"].rpartition("/")[2]]) if "$ref" in schema else schema


def kind_of(schema: Schema) -> str:
    """The JSON type of a schema, that of its values where it names none."""
    kind = schema.get("type", "string")
    return next(one for one in kind if one != "null") if isinstance(kind, list) else str(kind)


def good_value(api: ClientApi, schema: Schema) -> Any:
    """The smallest value that fits."""
    found = resolved(api, schema)
    if "enum" in found:
        return found["enum"][0]
    kind = kind_of(found)
    if kind == "object":
        return {name: good_value(api, found["properties"][name]) for name in found.get("required", ())}
    if kind == "array":
        return [good_value(api, found["items"])] * max(1, found.get("minItems", 0))
    if kind == "string":
        return _good_text(found)
    return {"integer": found.get("minimum", 0), "number": found.get("minimum", 0), "boolean": True}[kind]


def _good_text(schema: Schema) -> str:
    pattern = re.compile(schema.get("pattern", ""))
    if schema.get("format") == "date-time":
        return TEXTS[2]
    text = next((text for text in TEXTS if pattern.search(text)), "kandian")
    return text.ljust(schema.get("minLength", 0), "0")


def bad_values(api: ClientApi, schema: Schema) -> Iterator[tuple[str, Any]]:
    """Values that do not fit, each with what is wrong."""
    found = resolved(api, schema)
    kind = kind_of(found)
    yield "another type", OTHER[kind]
    if "enum" in found:
        yield "not in the list", 77 if kind == "integer" else "kandian-none"
        return
    if kind == "string":
        yield from _bad_texts(found)
    if kind in ("integer", "number"):
        if "minimum" in found:
            yield "below the minimum", found["minimum"] - 1
        if "maximum" in found:
            yield "above the maximum", found["maximum"] + 1
    if kind == "array":
        if found.get("minItems"):
            yield "too few", []
        if "maxItems" in found:
            yield "too many", [good_value(api, found["items"])] * (found["maxItems"] + 1)


def _bad_texts(schema: Schema) -> Iterator[tuple[str, Any]]:
    if schema.get("minLength"):
        yield "too short", "x" * (schema["minLength"] - 1)
    if "maxLength" in schema:
        yield "too long", "x" * (schema["maxLength"] + 1)
    if "pattern" in schema:
        yield "against the pattern", "\u5e97 \u94fa"


def bad_bodies(api: ClientApi, schema: Schema) -> Iterator[tuple[str, Any]]:
    """Bodies with one mistake each: a value, or bytes that are no JSON."""
    found = resolved(api, schema)
    good = good_value(api, found)
    yield "no JSON", b'{"a":'
    yield "no object", []
    for name in found.get("required", ()):
        yield f"{name} is missing", {key: value for key, value in good.items() if key != name}
    for name, inner in found.get("properties", {}).items():
        for about, value in bad_values(api, inner):
            yield f"{name}: {about}", {**good, name: value}
