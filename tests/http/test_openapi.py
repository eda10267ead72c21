"""/openapi.json for those who generate a client from it: names, examples, codes and formats."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest

from api.config import Settings
from api.http.examples import EXAMPLES
from api.http.openapi import TAGS
from api.main import create_app
from api.protocol.problems import all_codes

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return create_app(Settings(store="sqlite:///unused")).openapi()


def operations(contract: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in contract["paths"].values():
        yield from methods.values()


def test_operations_have_names_and_summaries_of_their_own(contract: dict[str, Any]) -> None:
    found = list(operations(contract))
    for name in ("operationId", "summary"):
        values = [operation[name] for operation in found]
        assert len(set(values)) == len(values), [one for one in values if values.count(one) > 1]
    for operation in found:
        (tag,) = operation["tags"]
        assert re.fullmatch(rf"{tag}_[a-z_]+", operation["operationId"])
        assert " " in operation["summary"], "a sentence, not the name of a function"
        assert operation["description"].startswith(operation["summary"])


def test_operations_name_what_may_refuse_any_request(contract: dict[str, Any]) -> None:
    with_a_rate = 0
    for operation in operations(contract):
        assert {"400", "401", "421"} <= operation["responses"].keys()
        if operation["security"]:
            with_a_rate += 1
            assert "429" in operation["responses"]
    assert with_a_rate > 20


def bodies_of(contract: dict[str, Any]) -> set[str]:
    """Return the names of the models of all bodies in JSON that requests have."""
    found = set()
    for operation in operations(contract):
        schema = (
            operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        )
        refs = [schema, *schema.get("anyOf", ())]
        found |= {one["$ref"].rpartition("/")[2] for one in refs if "$ref" in one}
    return found


def test_every_body_of_a_request_has_an_example(contract: dict[str, Any]) -> None:
    assert len(bodies_of(contract)) > 10
    assert bodies_of(contract) <= EXAMPLES.keys()


def test_every_answer_in_json_has_an_example(contract: dict[str, Any]) -> None:
    schemas = [
        said["content"]["application/json"]["schema"]
        for operation in operations(contract)
        for status, said in operation["responses"].items()
        if int(status) < 300 and "application/json" in said.get("content", {})
    ]
    names = {one["$ref"].rpartition("/")[2] for schema in schemas for one in schema.get("anyOf", [schema])}
    assert len(names) > 60
    assert names <= EXAMPLES.keys()


def test_every_tag_is_described_and_used(contract: dict[str, Any]) -> None:
    used = {tag for operation in operations(contract) for tag in operation["tags"]}
    assert [one["name"] for one in contract["tags"]] == [*TAGS]
    assert used == TAGS.keys()


def test_the_headers_of_answers_are_described(contract: dict[str, Any]) -> None:
    found = contract["paths"]["/mentions"]["get"]["responses"]
    assert found["200"]["headers"].keys() == {"Link", "RateLimit", "RateLimit-Policy"}
    assert found["429"]["headers"].keys() == {"Retry-After", "RateLimit", "RateLimit-Policy"}
    assert found["401"]["headers"].keys() == {"WWW-Authenticate"}
    assert "headers" not in contract["paths"]["/server"]["get"]["responses"]["200"]
    for operation in operations(contract):
        for said in operation["responses"].values():
            for name, header in said.get("headers", {}).items():
                assert header == {"$ref": f"#/components/headers/{name}"}
                assert contract["components"]["headers"][name]["description"]


def test_it_says_where_the_server_is_and_under_which_licence(contract: dict[str, Any]) -> None:
    assert contract["servers"] == [{"url": "/", "description": "This server"}]
    below = create_app(Settings(store="sqlite:///unused", url="https://chat.example/below")).openapi()
    assert [one["url"] for one in below["servers"]] == ["/below"]
    assert contract["info"]["license"]["identifier"] == "MIT"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_as_its_schema_says(contract: dict[str, Any], name: str) -> None:
    schemas = contract["components"]["schemas"]
    assert schemas[name]["examples"] == [EXAMPLES[name]]
    validator = jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    )
    assert [error.message for error in validator.iter_errors(EXAMPLES[name])] == []


def test_an_example_names_every_field_of_an_answer(contract: dict[str, Any]) -> None:
    for name, example in EXAMPLES.items():
        schema = contract["components"]["schemas"][name]
        if schema.get("additionalProperties") is not False and name != "Problem":
            assert example.keys() == schema["properties"].keys(), name


def test_the_codes_are_those_that_the_program_can_raise(contract: dict[str, Any]) -> None:
    assert contract["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == all_codes()
    passed = {
        keyword.value.value
        for path in (ROOT / "api").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
        if isinstance(keyword.value.value, str)
    }
    assert {"limit", "weak_password"} <= passed <= set(all_codes())


def test_every_time_says_its_format(contract: dict[str, Any]) -> None:
    times = 0
    for schema in contract["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            if name == "at" or name.endswith("_at"):
                if field.get("type") == "null":
                    continue  # of an entry that cannot be read
                times += 1
                assert "date-time" in {one.get("format") for one in field.get("anyOf", [field])}, name
    assert times > 5
