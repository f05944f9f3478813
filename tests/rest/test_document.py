"""The interface's own description: complete, true, and read by people without a script."""

import pytest

from checkout.rest.document import READS


@pytest.fixture
def told(client):
    answer = client.get("/pg/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def test_the_document_needs_no_key_and_lists_every_call(told):
    assert told["openapi"].startswith("3.1")
    assert told["servers"] == [{"url": "http://testserver"}]
    calls = {(verb, path) for path, operations in told["paths"].items() for verb in operations}
    for call in [
        ("post", "/pg/orders"),
        ("get", "/pg/orders/{order_id}"),
        ("put", "/pg/orders/{order_id}/refunds/{refund_id}"),
    ]:
        assert call in calls


def test_every_call_names_its_keys_and_the_errors_any_call_can_meet(told):
    for path, operations in told["paths"].items():
        for verb, operation in operations.items():
            assert operation["summary"], path
            if operation["security"]:
                assert {"401", "429"} <= set(operation["responses"]), path
                named = {parameter["name"] for parameter in operation.get("parameters", [])}
                assert ("x-idempotency-key" in named) == (verb != "get" and operation["operationId"] not in READS), path
            if verb != "get":
                assert {"400", "415"} <= set(operation["responses"]), path


def test_the_page_has_every_call_and_loads_nothing_from_elsewhere(client, told):
    answer = client.get("/pg/docs")
    assert answer.status_code == 200
    page = answer.content.decode()
    for path in told["paths"]:
        assert path in page
    assert "http://" not in page.replace("http://testserver", "")
    assert "https://" not in page
    assert "<script" not in page
    assert "script-src 'self'" in answer["content-security-policy"]


@pytest.mark.parametrize("path", ["/pg/docs", "/pg/openapi.json"])
def test_they_are_only_read(client, path):
    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200
