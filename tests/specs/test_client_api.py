"""The document of the client interface: read into operations, refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from specs.client_api import CLIENT_API_PATH, load_client_api
from specs.yaml_source import SourceError


def test_an_operation() -> None:
    operation = load_client_api().operation("POST", "/terminals/KDN00000001/play")
    assert operation is not None
    assert (operation.id, operation.success, operation.open) == ("play", 200, False)
    assert "device_offline" in operation.errors
    assert load_client_api().operation("GET", "/nothing") is None


def test_fixed_paths_go_before_parameters() -> None:
    found = [load_client_api().operation("POST", path) for path in ("/sessions/sms", "/sessions")]
    assert [operation.path for operation in found if operation] == ["/sessions/sms", "/sessions"]


def test_codes_are_given_once_and_begin_with_their_status() -> None:
    errors = load_client_api().errors
    assert len({error.code for error in errors.values()}) == len(errors)
    assert [name for name, error in errors.items() if error.code // 100 != error.status] == []


def test_every_schema_is_one() -> None:
    for schema in load_client_api().schemas.values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("openapi: 3.1.0", "openapi: 3.0.0", "no OpenAPI 3.1"),
        ("operationId: sendCode", "operationId: version", "the operationId version stands here twice"),
        ("x-title: {zh: 版本, en: Versions}", "x-title: {zh: 版本}", "both languages"),
        ("x-errors: [bad_request, internal]", "x-errors: [bad_request, eternal]", "there is no error eternal"),
        ("schemas/Version'", "schemas/Versions'", "#/components/schemas/Versions does not exist"),
    ],
)
def test_a_wrong_document_is_told_with_file_and_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "client.openapi.yaml"
    text = CLIENT_API_PATH.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SourceError, match=words) as caught:
        load_client_api(path)
    assert caught.value.line > 0
