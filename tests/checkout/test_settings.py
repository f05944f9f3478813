"""Defaults that follow from other settings, read as a process of its own reads them."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

SHOWN = "s.STAFF_SECOND_FACTOR, s.STAFF_IDLE_MINUTES, s.SESSION_COOKIE_NAME"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"PUBLIC_URL": "https://pay.example.com"}, "True 15 __Host-sid"),
        ({"PUBLIC_URL": "http://127.0.0.1:8000"}, "False 15 sid"),
        ({"PUBLIC_URL": "https://pay.example.com", "STAFF_SECOND_FACTOR": "False"}, "False 15 __Host-sid"),
        ({"STAFF_SECOND_FACTOR": "True", "STAFF_IDLE_MINUTES": "5"}, "True 5 sid"),
        ({"STAFF_SECOND_FACTOR": "yes"}, "STAFF_SECOND_FACTOR='yes': write True or False."),
        ({"STAFF_IDLE_MINUTES": "0"}, "STAFF_IDLE_MINUTES='0': write a whole number from 1 to 480."),
    ],
)
def test_a_second_factor_is_asked_for_where_passwords_travel(given, told):
    unset = {"STAFF_SECOND_FACTOR", "STAFF_IDLE_MINUTES"}
    env = {name: value for name, value in os.environ.items() if name not in unset} | given
    script = [sys.executable, "-c", f"from checkout import settings as s; print({SHOWN})"]
    run = subprocess.run(script, env=env, cwd=settings.BASE_DIR, capture_output=True, text=True)
    assert told in run.stdout + run.stderr
