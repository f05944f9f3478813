"""What the README promises a stranger: copy the tree, `make run`, pay, Ctrl-C, start again."""

import json
import os
import shutil
import signal
import subprocess
import urllib.request

import pytest

from tests.proof.processes import ROOT, answers, free_port, pay_over_http, wait_for
from tests.rpc.conftest import LITERAL, SERVICE

pytestmark = pytest.mark.slow

START_S = 240


@pytest.fixture
def clone(tmp_path):
    """The tree as git knows it, with nothing installed."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        target = tmp_path / "till" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return tmp_path / "till"


class Run:
    """`make run` in a clone, in a session of its own."""

    def __init__(self, clone, port):
        self.clone, self.url = clone, f"http://127.0.0.1:{port}"
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.log = (clone / "run.log").open("w")
        self.process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env={
                **keep,
                **{n: v for n, v in os.environ.items() if n.startswith(("PIP_", "UV_", "SSL_"))},
                "PORT": str(port),
            },
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self):
        wait_for(lambda: answers(self.url) or self.process.poll() is not None, "make run", START_S)
        assert self.process.poll() is None, self.text
        return self

    def __exit__(self, *_):
        try:
            if self.process.poll() is None:
                self.interrupt()  # not SIGKILL: nobody would be left to stop the web server and the worker
        finally:
            self.log.close()

    @property
    def text(self):
        return (self.clone / "run.log").read_text()

    def demo(self):
        return json.loads((self.clone / "var" / "demo.json").read_text())

    def call(self, method, body):
        demo = self.demo()
        headers = {"x-client-id": demo["client_id"], "x-client-secret": demo["client_secret"]}
        request = urllib.request.Request(
            f"{self.url}{SERVICE}/{method}",
            json.dumps(body).encode(),
            {**headers, "content-type": "application/json"},
        )
        return json.load(urllib.request.urlopen(request, timeout=10))

    def interrupt(self):
        """Ctrl-C reaches the whole foreground group of a terminal."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(60)


def test_make_run_pay_stop_and_start_again(clone):
    port = free_port()
    with Run(clone, port) as first:
        assert oct((clone / ".env").stat().st_mode)[-3:] == "600"
        assert oct((clone / "var" / "demo.json").stat().st_mode)[-3:] == "600"
        demo = first.demo()
        assert demo["client_secret"] in first.text
        made = first.call("CreateOrder", LITERAL)
        assert "was taken, once." in pay_over_http(first.url, made["payment_session_id"])
        assert first.call("VerifyPayment", {"order_id": made["order_id"]})["status"] == "success"
        assert "Monsoon notebook" in urllib.request.urlopen(demo["shop_url"], timeout=10).read().decode()
        first.interrupt()
        assert not answers(first.url)
    with Run(clone, port) as second:
        assert second.demo() == demo
        assert second.call("VerifyPayment", {"order_id": made["order_id"]})["status"] == "success"
        log = second.text
        assert "Traceback" not in log
        assert made["payment_session_id"] not in log
