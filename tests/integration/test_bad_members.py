"""Every operation, as docs/openapi.json describes it, with every member in turn of a wrong type, too long, with control characters, or
unknown: refused with its place, over both protocols, and nothing is done."""
from urllib.parse import quote

import pytest

from harness.openapi import BASE, OPENAPI, resolved
from harness.rpc_client import RpcError

NO_ID = "018f0000-0000-7000-8000-000000000001"
# What these take is a document or a stream with tests of its own.
OTHERS = ("event.", "config.", "feed.")
MEGABYTE = "x" * 1_000_000
WRONG = {"string": (7, [], {}, True, "a\x07b", MEGABYTE), "integer": ("x", 1.5, [], {}, 2 ** 63), "boolean": ("yes", 7, []), "array": ("x", 7, {}),
         "object": ("x", 7, [])}


def kind_of(schema):
    kinds = schema.get("type", "string")
    return kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null")


def good(schema):
    """Something that its type takes."""
    schema = resolved(schema)
    kind = kind_of(schema)
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "array":
        return [good(schema.get("items", {"type": "string"}))]
    return {"integer": schema.get("minimum", 1), "boolean": True, "object": {}}.get(kind, NO_ID if schema.get("format") == "uuid" else "x")


def operations():
    """(method, verb, path, {name: schema}, required names) of each."""
    for path, verbs in OPENAPI["paths"].items():
        for verb, operation in verbs.items():
            method = operation.get("x-rpc-method") if verb != "parameters" else None
            if not method or method.startswith(OTHERS):
                continue
            given = [one for one in verbs.get("parameters", []) + operation.get("parameters", []) if one.get("name") not in (None, "project")]
            members = {one["name"]: resolved(one["schema"]) for one in given}
            required = [one["name"] for one in given if one.get("required")]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                body = resolved(content["schema"])
                members |= {name: resolved(schema) for name, schema in body.get("properties", {}).items()}
                required += body.get("required", [])
            yield method, verb.upper(), path.removeprefix(BASE), members, required


def over_rpc(rpc, method, params):
    try:
        return 200, rpc.call(method, params)
    except RpcError as error:
        return error.error["data"]["status"], {"code": error.code, **error.error["data"]}


def over_http(client, verb, path, params):
    body = {name: value for name, value in params.items() if f"{{{name}}}" not in path}
    answer = client.request(verb, path.format(**{name: quote(str(value), safe="") for name, value in params.items()}), body)
    return answer.status, answer.json


def test_no_operation_takes_a_member_that_is_wrong(router, tables):
    client, rpc = router.client(), router.rpc_client("admin")
    found, count = [], 0

    def check(what, answer, pointer):
        status, problem = answer
        if (status, problem.get("code"), (problem.get("pointer") or "").split("/")[1:2]) != (400, "invalid", [pointer]):
            found.append(f"{what}: {status} {str(problem)[:200]}")

    for method, verb, path, members, required in operations():
        base = {name: good(members[name]) for name in required}
        for name, schema in members.items():
            for value in WRONG[kind_of(schema)]:
                count += 1
                check(f"rpc {method} {name}={str(value)[:20]!r}", over_rpc(rpc, method, {**base, name: value}), name)
                if verb not in ("GET", "DELETE") and f"{{{name}}}" not in path:
                    check(f"{verb} {path} {name}={str(value)[:20]!r}", over_http(client, verb, path, {**base, name: value}), name)
        for name in ("strange", "Robert'); DROP TABLE customers; --", "ä"):
            count += 1
            check(f"rpc {method} {name}", over_rpc(rpc, method, {**base, name: 1}), name)
        for name in required:
            check(f"rpc {method} without {name}", over_rpc(rpc, method, {key: value for key, value in base.items() if key != name}), name)
    rpc.close()
    assert count > 700
    assert not found, f"{len(found)} of {count}:\n" + "\n".join(found)
    for table in ("customers", "pools", "blacklist", "customer_columns", "interactions"):
        assert tables.one(f"SELECT count(*) FROM {table}") == 0, table


@pytest.mark.parametrize("text", ["'; DROP TABLE customers; --", "=1+1", "{\"a\": 1}", "\\x41 %s $1", "\u202eabc", "a" * 200], ids=repr)
def test_what_is_text_is_kept_verbatim(router, text):
    client = router.client()
    made = client.ok("POST", "customers", {"name": text, "company": text, "tags": [text[:60]], "fields": {text[:60]: text},
                                           "contacts": [{"label": text, "email": "a@example.com"}]}, 201)
    kept = client.ok("GET", f"customers/{made['id']}")
    assert (kept["name"], kept["company"], kept["tags"], kept["fields"], kept["contacts"][0]["label"]) == (
        text, text, [text[:60]], {text[:60]: text}, text)
    assert [one["id"] for one in client.ok("POST", "customers/search", {"fields": [{"field": text[:60], "value": text}]})["items"]] == [made["id"]]
