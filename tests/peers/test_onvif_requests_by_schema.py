"""The requests that are made from our operation tables, held against the schemas that the services themselves publish:
good ones are valid, ones with a mistake are not."""

from __future__ import annotations

import pytest
from lxml import etree

from conformance.peers.onvif.schema import AnswerSchema, answer_schema
from conformance.protocols.onvif_cases import Case, good_case, guarded_case, wrong_cases
from conformance.protocols.soap import PREFIXES, element, envelope
from conformance.protocols.xml_names import Name
from specs.onvif_operations import OnvifOperation, ServiceTable, load_onvif_operations

TABLES = load_onvif_operations()
TOKENS = {told.of: "a-token" for _, operation in TABLES.every() for told in operation.request if told.of}


@pytest.fixture(scope="module")
def schema() -> AnswerSchema:
    found = answer_schema()
    assert found is not None
    return found


def described(schema: AnswerSchema) -> list[tuple[ServiceTable, OnvifOperation]]:
    """The operations of which the schemas know the request."""
    return [(t, o) for t, o in TABLES.every() if schema.covers(Name(PREFIXES[o.prefix or t.prefix], o.name))]


def flaws(schema: AnswerSchema, case: Case) -> list[str]:
    prefix = TABLES.services[case.service].prefix
    name = case.name if case.prefix else f"{prefix}:{case.name}"
    return [str(flaw) for flaw in schema.flaws(envelope(element(name, case.body)))]


def test_the_schemas_know_most_of_the_table(schema: AnswerSchema) -> None:
    known = described(schema)
    assert len(known) > 160
    later = {o.name for t, o in TABLES.every() if t.wsdl and (t, o) not in known}
    assert later == {
        "GetGeoLocation",
        "SetGeoLocation",
        "DeleteGeoLocation",
        "GetPresets",
        "GetCurrentPreset",
        "SetCurrentPreset",
    }


def test_good_requests_are_valid(schema: AnswerSchema) -> None:
    tried = 0
    for table, operation in described(schema):
        if operation.describable:
            tried += 1
            assert flaws(schema, good_case(table, operation, TOKENS)) == [], operation.name
    assert tried > 140


def test_requests_with_a_mistake_are_not(schema: AnswerSchema) -> None:
    by_schema = ("missing", "surplus", "wrong_type", "empty", "out_of_list", "namespace")
    tried = 0
    for table, operation in described(schema):
        for case in wrong_cases(TABLES, table, operation, TOKENS):
            if case.mistake in by_schema:
                tried += 1
                assert flaws(schema, case) != [], case.about
    assert tried > 250


def test_unknown_tokens_are_no_matter_of_the_schema(schema: AnswerSchema) -> None:
    for table, operation in described(schema):
        for case in wrong_cases(TABLES, table, operation, TOKENS):
            if case.mistake == "unknown":
                assert flaws(schema, case) == [], case.about


def test_guarded_requests_cannot_be_valid_and_name_something(schema: AnswerSchema) -> None:
    for table, operation in described(schema):
        case = guarded_case(table, operation)
        if case is not None and not operation.reads:
            assert flaws(schema, case) or "kandian-no-such-token" in case.body, operation.name


def test_answers_of_the_table_are_those_of_the_schema(schema: AnswerSchema) -> None:
    """An answer with nothing in it is wrong by the schema exactly where the table wants something in it."""
    for table, operation in described(schema):
        prefix = operation.prefix or table.prefix
        empty = etree.fromstring(envelope(element(f"{prefix}:{operation.name}Response")))[0][0]
        needed = any(told.least for told in operation.answer)
        assert bool(schema.flaws_of(empty)) is needed, operation.name


def test_choices_are_those_of_the_schema(schema: AnswerSchema) -> None:
    """Of operations that take nothing else, so that a choice can be tried alone."""
    tried = 0
    for table, operation in described(schema):
        needed = [told for told in operation.request if told.least]
        for told in operation.request:
            for value in told.values if needed in ([], [told]) else ():
                tried += 1
                case = Case(table.service, operation.name, element(f"{table.prefix}:{told.name}", value))
                assert flaws(schema, case) == [], f"{operation.name} {value}"
    assert tried > 12
