"""Values of a wrong type, put in each place of an answer or event in turn, and what may come of them."""

import json
from dataclasses import fields, is_dataclass

from payments.gateways.base import GoTo, PostTo
from payments.money import Money

VALUES = [None, 5, 1.5, -1, True, "", "a\x00b", "\ud800", [], {}]


def places(told, before=()):
    """Where something stands in JSON, each as the steps that lead there."""
    inner = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for step, value in inner:
        yield (*before, step)
        yield from places(value, (*before, step))


def replaced(told, place, value):
    """The same with something else in one place, if it has that place."""
    if not place:
        return value
    step, *rest = place
    if isinstance(told, dict) and step in told:
        return {**told, step: replaced(told[step], rest, value)}
    if isinstance(told, list) and isinstance(step, int) and step < len(told):
        return [*told[:step], replaced(told[step], rest, value), *told[step + 1 :]]
    return told


def assert_can_be_kept(said):
    """What the core gets has the types that the contract says, and texts that every database takes."""
    if isinstance(said, Money):
        assert type(said.minor) is int
        assert 0 <= said.minor < 2**63
    if isinstance(said, (GoTo, PostTo)):
        assert said.url, "nobody can be sent nowhere"
    if isinstance(said, str):
        assert "\x00" not in said
        said.encode()
    elif isinstance(said, dict):
        assert all(isinstance(text, str) for pair in said.items() for text in pair), json.dumps(said)
        for pair in said.items():
            for text in pair:
                assert_can_be_kept(text)
    elif is_dataclass(said):
        for field in fields(said):
            value = getattr(said, field.name)
            assert field.type is not str or isinstance(value, str), (field.name, value)
            assert_can_be_kept(value)
