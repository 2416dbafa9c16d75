"""The golden platform against the document of the client interface: cases made from the document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from phone import Phone
from platform_bench import DEVICE, play

from simulators.platform.client_api import ROUTES
from simulators.platform.platform import Platform
from specs.client_api import ClientApi, Operation, load_client_api

API: ClientApi = load_client_api()


def address(operation: Operation) -> str:
    """Its path with something in the place of every parameter."""
    return re.sub(r"\{\w+\}", DEVICE, operation.path)


def bad_bodies(operation: Operation) -> Iterator[tuple[str, Any]]:
    """Bodies that the schema does not allow: no object, a property more, required ones missing or of a wrong type."""
    assert operation.request is not None
    schema = API.schemas[operation.request["$ref"].rpartition("/")[2]]
    yield "no object", []
    yield "a property more", {**dict.fromkeys(schema.get("required", ())), "kandian": 1}
    for name in schema.get("required", ()):
        yield f"only {name}, of a wrong type", {name: {"wrong": []}}
    if schema.get("required"):
        yield "nothing", {}


def test_the_platform_has_the_operations_of_the_document() -> None:
    assert {(method, path, status) for method, path, _, _, status in ROUTES} == {
        (operation.method, operation.path, operation.success) for operation in API.operations
    }


def test_nothing_but_the_open_operations_without_a_session(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        phone = Phone(platform.client_url)
        for operation in API.operations:
            _, found = await phone.call(operation.method, address(operation), {} if operation.request else None)
            name = (found or {}).get("name", "")
            assert (name == "no_session") == (not operation.open), operation.id

    play(scenario, tmp_path)


def test_bodies_that_the_document_does_not_allow(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        phones = [await Phone.of(platform.client_url, name) for name in ("owner", "operator")]
        for operation in API.operations:
            if operation.request is None:
                continue
            for about, body in bad_bodies(operation):
                answers = [await phone.call(operation.method, address(operation), body) for phone in phones]
                names = {found["name"] for status, found in answers if status >= 400}
                assert len(names) > 0, (operation.id, about)
                assert names & {"bad_request"}, (operation.id, about, answers)

    play(scenario, tmp_path)


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "0" * 64])
def test_sessions_that_nobody_opened(tmp_path: Path, token: str) -> None:
    async def scenario(platform: Platform) -> None:
        phone = Phone(platform.client_url)
        status, found = await phone.call("GET", "/terminals", Authorization=token)
        assert status == 401
        assert found["name"] in ("no_session", "session_invalid")

    play(scenario, tmp_path)
