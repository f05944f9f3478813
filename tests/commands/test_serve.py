"""`manage.py serve` and the command line itself: one sentence, not a traceback, when something is in the way."""

import os
import socket
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from checkout.make_env import write_once
from checkout.management.commands import serve
from tests.proof.processes import ROOT


def manage(tmp_path, *args, **environment):
    write_once(tmp_path / ".env", ROOT / ".env.example")
    env = {"PATH": os.environ["PATH"], "ENV_FILE": str(tmp_path / ".env"), **environment}
    command = [sys.executable, "manage.py", *args]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def test_a_taken_port_is_told_before_anything_is_made_or_printed(settings, tmp_path, capsys):
    settings.DEMO_FILE = tmp_path / "demo.json"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings.BIND = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(CommandError, match="PORT=9000 make run"):
            call_command("serve", "--demo")
    assert not settings.DEMO_FILE.exists()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DEBUG", "ture", "write True or False"),
        ("PORT", "99999", "from 1 to 65535"),
        ("API_KEY_PEPPER", "short", "API_KEY_PEPPER is missing or shorter"),
        ("PUBLIC_URL", "pay.example.com", "write an origin"),
        ("TRUSTED_PROXIES", "nginx", "is not an IP address"),
        ("DATABASE_URL", "mysql://x@y/z", "postgres://"),
    ],
)
def test_an_odd_setting_is_one_sentence(tmp_path, name, value, words):
    done = manage(tmp_path, "check", **{name: value})
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path):
    done = manage(tmp_path, "migrate", DATABASE_URL="postgres://till:geheim@127.0.0.1:1/till")
    assert done.returncode == 1
    assert "Check DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "geheim" not in done.stderr


@pytest.mark.parametrize(("said", "children_read"), [(None, "True"), ("False", "False")])
def test_the_demo_lets_webhooks_of_test_keys_stay_on_this_machine_unless_told_otherwise(
    settings, monkeypatch, said, children_read
):
    monkeypatch.delenv("WEBHOOK_ALLOW_PRIVATE", raising=False)
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", said or "")
    if said is None:
        monkeypatch.delenv("WEBHOOK_ALLOW_PRIVATE")
    seen = []
    monkeypatch.setattr(serve, "refuse_taken_port", lambda: None)
    monkeypatch.setattr(serve, "call_command", lambda *_, **__: None)
    note = lambda _: seen.append(os.environ.get("WEBHOOK_ALLOW_PRIVATE"))  # noqa: E731
    monkeypatch.setattr(serve.Command, "run_children", note)
    call_command("serve", "--demo")
    assert seen == [children_read]


def test_a_part_that_stops_unasked_is_named_and_the_other_is_stopped(monkeypatch):
    waits = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(serve, "PARTS", {"web server": waits, "worker": [sys.executable, "-c", ""]})
    monkeypatch.setattr(serve.signal, "signal", lambda *_: None)
    with pytest.raises(CommandError, match="The worker stopped unasked"):
        serve.Command(stdout=StringIO()).run_children()
