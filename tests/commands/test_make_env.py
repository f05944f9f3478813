"""`python -m checkout.make_env`: once, random, private, and good enough to start with."""

import os
import subprocess
import sys
from pathlib import Path

from checkout.make_env import filled, write_once

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / ".env.example"


def test_it_is_written_once_for_its_owner_alone(tmp_path):
    target = tmp_path / ".env"
    assert write_once(target, EXAMPLE)
    first = target.read_text()
    assert target.stat().st_mode & 0o777 == 0o600
    assert not write_once(target, EXAMPLE)
    assert target.read_text() == first


def test_every_installation_has_its_own_secrets():
    one, other = filled("SECRET_KEY=\nAPI_KEY_PEPPER=\n"), filled("SECRET_KEY=\nAPI_KEY_PEPPER=\n")
    assert all(a != b for a, b in zip(one.splitlines(), other.splitlines(), strict=True))


def check_with(env_file, **environment):
    command = [sys.executable, "manage.py", "check"]
    env = {"PATH": os.environ["PATH"], "ENV_FILE": str(env_file), "DATABASE_URL": "sqlite:////tmp/x.sqlite3"}
    return subprocess.run(command, cwd=ROOT, env={**env, **environment}, capture_output=True, text=True)


def test_the_written_file_starts_the_program(tmp_path):
    write_once(tmp_path / ".env", EXAMPLE)
    assert check_with(tmp_path / ".env").returncode == 0


def test_a_missing_secret_stops_the_start_with_a_sentence(tmp_path):
    result = check_with(tmp_path / "none")
    assert result.returncode != 0
    assert "SECRET_KEY is missing" in result.stderr


def test_an_odd_value_stops_the_start_with_a_sentence(tmp_path):
    write_once(tmp_path / ".env", EXAMPLE)
    for name, value in (("DEBUG", "ture"), ("PORT", "http"), ("PUBLIC_URL", "pay.example.com"), ("LOG_FORMAT", "xml")):
        result = check_with(tmp_path / ".env", **{name: value})
        assert result.returncode != 0
        assert f"{name}='{value}'" in result.stderr


def test_every_variable_the_settings_read_is_explained():
    import re

    settings = (ROOT / "checkout" / "settings.py").read_text()
    read = set(re.findall(r'(?:env\.\w+\(|\(env, )"([A-Z_]+)"', settings))
    explained = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text(), flags=re.MULTILINE))
    assert read - explained == set()
    assert len(read) > 12
