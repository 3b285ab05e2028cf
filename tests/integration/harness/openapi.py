"""docs/openapi.json as a judge: what in an answer is not as it is described there."""
import json
import pathlib

OPENAPI = json.loads((pathlib.Path(__file__).resolve().parents[3] / "docs/openapi.json").read_text())
BASE = "/v1/projects/{project}/"
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}


def resolved(schema):
    while "$ref" in schema:
        schema = OPENAPI["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def is_kind(value, kind):
    return isinstance(value, KINDS[kind]) and (kind in ("boolean",) or not isinstance(value, bool))


def faults(schema, value, place=""):
    """What is wrong with the value, members that nothing describes included; each with its place."""
    schema = resolved(schema)
    for kind in ("oneOf", "anyOf"):
        if kind in schema:
            each = [faults(one, value, place) for one in schema[kind]]
            return [] if [] in each else min(each, key=len)
    if "allOf" in schema:
        merged = {"type": "object", "properties": {}, "required": []}
        for part in map(resolved, schema["allOf"]):
            merged["properties"] |= part.get("properties", {})
            merged["required"] += part.get("required", [])
        schema = merged
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_kind(value, kind) for kind in kinds):
        return [f"{place}: {str(value)[:60]} is no {' or '.join(kinds)}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{place}: {value} is none of {schema['enum']}"]
    if isinstance(value, list):
        return [fault for number, item in enumerate(value) for fault in faults(schema.get("items", {}), item, f"{place}/{number}")]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    found = [f"{place}/{name} is missing" for name in schema.get("required", []) if name not in value]
    for name, member in value.items():
        if name in schema["properties"]:
            found += faults(schema["properties"][name], member, f"{place}/{name}")
        elif not schema.get("additionalProperties"):
            found.append(f"{place}/{name} is not described")
    return found


def answer_schema(verb, path, status):
    """The schema of a JSON answer; `path` as the description has it, below the project."""
    answer = OPENAPI["paths"][BASE + path][verb.lower()]["responses"][str(status)]
    return answer["content"]["application/json"]["schema"]
