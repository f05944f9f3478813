"""The interface described: as OpenAPI for machines, and as a page of plain HTML for people."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from checkout.rest.api import api

KEYS = {
    "client_id": {"type": "apiKey", "in": "header", "name": "x-client-id"},
    "client_secret": {"type": "apiKey", "in": "header", "name": "x-client-secret"},
    "basic": {"type": "http", "scheme": "basic", "description": "The same pair as user name and password."},
}
SECURITY: list[dict[str, list[str]]] = [{"client_id": [], "client_secret": []}, {"basic": []}]
WRITES = ("post", "put", "patch", "delete")
READS = frozenset({"listSettlements", "settlementRecon", "recon"})
"""Asked by POST because they take a body; they change nothing."""
_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
ALWAYS = {"401": "No key, or a wrong or revoked one", "429": "Too many calls in this minute"}
WITH_BODY = {"400": "A field cannot be taken; the message names it", "413": "Too large", "415": "Not JSON"}
WRITTEN = {"409": "It does not fit the state of things", "422": "The idempotency key was used for another request"}
IDEMPOTENCY_KEY = {
    "name": "x-idempotency-key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "The same write again under the same key is done once and answered alike, for seven days.",
}
LINKS = {
    "createOrder": {
        "getOrder": ["order_id"], "terminateOrder": ["order_id"], "listPayments": ["order_id"],
        "createRefund": ["order_id"], "listRefunds": ["order_id"], "getSettlement": ["order_id"],
        "authorizeOrder": ["order_id"],
    },
    "createEndpoint": {
        "getEndpoint": ["endpoint_id"], "updateEndpoint": ["endpoint_id"], "sendTestWebhook": ["endpoint_id"],
        "deleteEndpoint": ["endpoint_id"],
    },
    "sendTestWebhook": {"getDelivery": ["webhook_id"], "replayDelivery": ["webhook_id"]},
    "createRefund": {"getRefund": ["order_id", "refund_id"], "updateRefund": ["order_id", "refund_id"]},
}  # fmt: skip
"""What can be done with what a call answers: from its operation to others, by fields of the answer."""


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document. What the framework cannot know is added: keys, errors that any call can meet, links."""
    made: dict[str, Any] = api.get_openapi_schema(path_prefix="/pg/")
    made["info"] |= {
        "description": "Orders, payments, refunds and settlements. Success is always 200; every error has one shape.",
    }
    made["servers"] = [{"url": settings.PUBLIC_URL}]
    made["components"]["securitySchemes"] = KEYS
    for operations in made["paths"].values():
        for verb, operation in operations.items():
            _complete(verb, operation)
    return made


def _complete(verb: str, operation: dict[str, Any]) -> None:
    operation["summary"] = operation["description"].partition(".")[0]
    is_open = not operation.pop("security", None)
    operation["security"] = [] if is_open else SECURITY
    operation["responses"] = {str(status): found for status, found in operation["responses"].items()}
    is_write = verb in WRITES and operation["operationId"] not in READS
    met = ALWAYS | (WITH_BODY if verb in WRITES else {}) | (WRITTEN if is_write else {})
    for status, description in met.items():
        if not (is_open and status == "401"):
            operation["responses"].setdefault(status, {"description": description, "content": _ERROR})
    operation["responses"] = dict(sorted(operation["responses"].items()))
    if is_write and not is_open:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    for target, fields in LINKS.get(operation["operationId"], {}).items():
        links = operation["responses"]["200"].setdefault("links", {})
        parameters = {f"path.{field}": f"$response.body#/{field}" for field in fields}
        links[target] = {"operationId": target, "parameters": parameters}


@csrf_exempt  # read only: whoever posts is told so, and not that a form is stale
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    return JsonResponse(document(), json_dumps_params={"ensure_ascii": False})


# --- For people ---


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of a body: its name with a dot for each level, its type, and what it means."""

    name: str
    kind: str
    is_required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One call as the page shows it."""

    name: str
    verb: str
    path: str
    summary: str
    description: str
    fields: list[FieldRow]
    answer: str
    refusals: list[tuple[str, str]]


@csrf_exempt
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The reference, without a script and without anything from elsewhere."""
    told = document()
    groups: dict[str, list[OperationRow]] = {}
    for path, operations in told["paths"].items():
        for verb, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append(_row(told, verb, path, operation))
    entities = [(name, _fields(told, name)) for name in told["components"]["schemas"] if name.endswith("Entity")]
    context = {"groups": groups.items(), "entities": entities, "error": _fields(told, "Error"), "root": _root()}
    return render(request, "rest/docs.html", context)


def _root() -> str:
    return f"{settings.PUBLIC_URL}/pg"


def _row(told: dict[str, Any], verb: str, path: str, operation: dict[str, Any]) -> OperationRow:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    refusals = [(status, found["description"]) for status, found in operation["responses"].items() if status != "200"]
    answer = operation["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
    return OperationRow(
        name=operation["operationId"],
        verb=verb.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"].partition(".")[2].strip(),
        fields=_fields(told, _name(body)) if "$ref" in body else [],
        answer=_kind(answer),
        refusals=refusals,
    )


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _fields(told: dict[str, Any], name: str, prefix: str = "") -> list[FieldRow]:
    """The fields of a schema, with those of what it holds right after it."""
    schema = told["components"]["schemas"][name]
    rows = []
    for field, found in schema["properties"].items():
        required = field in schema.get("required", ())
        rows.append(FieldRow(f"{prefix}{field}", _kind(found), required, found.get("description", "")))
        inner = next((part for part in (found, *found.get("anyOf", ())) if "$ref" in part), None)
        if inner is not None:
            rows.extend(_fields(told, _name(inner), f"{prefix}{field}."))
    return rows


def _kind(schema: dict[str, Any]) -> str:
    """A schema's type in words. That null counts as left out is said once for all."""
    if "$ref" in schema:
        return _name(schema)
    if "anyOf" in schema:
        return " or ".join(kind for part in schema["anyOf"] if (kind := _kind(part)) != "null")
    if "const" in schema:
        return f"“{schema['const']}”"
    if "enum" in schema:
        return " or ".join(f"“{word}”" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    found = schema.get("type", "anything")
    return " or ".join(word for word in found if word != "null") if isinstance(found, list) else str(found)
