"""Rules of the house that no linter knows."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from payments import faults
from payments.states import (
    ORDER_MOVES,
    PAYMENT_MOVES,
    PAYOUT_MOVES,
    REFUND_MOVES,
    SETTLEMENT_MOVES,
    OrderStatus,
    PaymentStatus,
    PayoutStatus,
    RefundStatus,
    SettlementStatus,
)

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE_LINES, MAX_FUNCTION_LINES = 350, 50
GATEWAY_CALLS = {"start", "resume", "inquire", "cancel", "capture", "void", "refund", "inquire_refund"}


def _is_ours(path):
    return "migrations" not in path.parts and not re.search(r"_(pb2|connect)\.py$", path.name)


CORE = sorted(filter(_is_ours, (ROOT / "payments").rglob("*.py")))
SOURCES = CORE + sorted(filter(_is_ours, (ROOT / "checkout").rglob("*.py")))


def _name(path):
    return str(path.relative_to(ROOT))


def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _imported_by(path):
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _calls(tree, attribute):
    """Calls of `something.attribute(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == attribute:
            yield node


def _points_named():
    for path in SOURCES:
        for call in _calls(_tree(path), "point"):
            if isinstance(call.func.value, ast.Name) and call.func.value.id == "faults":
                yield path, call.args[0]


def _gateway_calls_outside_call_gateway(tree):
    """Gateway methods called anywhere but in the argument of call_gateway."""
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "call_gateway"
        for inner in ast.walk(node)
    }
    calls = [call for attribute in GATEWAY_CALLS for call in _calls(tree, attribute)]
    return [call.lineno for call in calls if id(call) not in inside]


@pytest.mark.parametrize("path", CORE, ids=_name)
def test_the_core_never_imports_the_edge(path):
    assert not [name for name in _imported_by(path) if name.split(".")[0] in ("checkout", "tests")]


@pytest.mark.parametrize("path", [path for path in CORE if "gateways" in path.parts], ids=_name)
def test_gateways_import_neither_models_nor_services_of_the_core(path):
    assert not [name for name in _imported_by(path) if name.startswith(("payments.models", "payments.services"))]


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_files_and_functions_stay_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES
    functions = [n for n in ast.walk(_tree(path)) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert not [f.name for f in functions if f.end_lineno - f.lineno + 1 > MAX_FUNCTION_LINES]


@pytest.mark.parametrize(
    ("moves", "statuses"),
    [
        (ORDER_MOVES, OrderStatus),
        (PAYMENT_MOVES, PaymentStatus),
        (REFUND_MOVES, RefundStatus),
        (SETTLEMENT_MOVES, SettlementStatus),
        (PAYOUT_MOVES, PayoutStatus),
    ],
)
def test_every_status_has_its_row_of_moves(moves, statuses):
    assert set(moves) == set(statuses)


def test_every_fault_point_is_used_and_every_point_used_is_known():
    named = {argument.value for _, argument in _points_named()}
    assert named == faults.POINTS


def test_every_fault_point_is_named_by_a_literal():
    assert not [(path.name, arg.lineno) for path, arg in _points_named() if not isinstance(arg, ast.Constant)]


@pytest.mark.parametrize("path", [path for path in CORE if "services" in path.parts], ids=_name)
def test_services_call_gateways_only_through_call_gateway(path):
    assert _gateway_calls_outside_call_gateway(_tree(path)) == []


def test_the_gateway_call_rule_sees_a_bare_call():
    bare = ast.parse("gateway.start(attempt)\ncall_gateway(lambda: gateway.start(attempt))")
    assert _gateway_calls_outside_call_gateway(bare) == [1]


def test_the_edge_never_changes_a_status_behind_the_doors():
    """Statuses move through move_order, move_payment and move_refund alone: nobody else updates that column.

    What is asked of a gateway about held money has its own door, holds.py.
    """
    guilty = []
    for path in [path for path in SOURCES if path.name != "holds.py"]:
        updates = [c for c in _calls(_tree(path), "update") if any(k.arg == "status" for k in c.keywords)]
        guilty += [_name(path) for _ in updates if path.parent.name != "simulator"]
    assert guilty == []


def test_every_money_row_is_protected_from_deletion_of_what_it_refers_to():
    keys = [
        field
        for model in apps.get_app_config("payments").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey)
    ]
    assert keys
    assert not [str(key) for key in keys if key.remote_field.on_delete is not models.PROTECT]


def test_no_model_keeps_money_as_float_or_decimal():
    fields = [
        field for model in apps.get_models() if model._meta.app_label == "payments" for field in model._meta.fields
    ]
    assert not [str(field) for field in fields if isinstance(field, (models.FloatField, models.DecimalField))]


@cache
def _claims():
    """What tests say of themselves: their names, docstrings and those of their modules."""
    claims = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = _tree(path)
        tests = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
        claims.append(ast.get_docstring(tree) or "")
        claims += [f"{test.name} {ast.get_docstring(test) or ''}" for test in tests]
    return claims


@pytest.mark.parametrize("number", range(1, 23))
def test_every_invariant_is_proved_by_a_test_that_names_it(number):
    """The numbers are those of the list of promises about money."""
    assert [claim for claim in _claims() if re.search(rf"(?i)(?:\b|_)I{number}(?:\b|_)", claim)]


JOURNEYS = ("journey", "methods", "longer", "hand_off", "stripe")
BOTH_WAYS = {"phone", "shopper", "scripts"}
"""Fixtures of the browser tests that come with and without scripts."""


@pytest.mark.parametrize("name", JOURNEYS)
def test_every_journey_of_a_customer_is_gone_with_and_without_scripts(name):
    """Only axe cannot: it is a script itself."""
    tree = ast.parse((ROOT / f"tests/browser/test_{name}.py").read_text())
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    once = {test.name for test in tests if not BOTH_WAYS & {arg.arg for arg in test.args.args}}
    assert tests
    assert {test for test in once if not test.startswith("test_axe_")} == set()
