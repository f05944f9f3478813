"""The guarded client: nothing private is called, however it is written, and nobody keeps us longer than we allow."""

import datetime
import ipaddress
import socket
import ssl
import struct
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from payments import outgoing
from payments.outgoing import Blocked, Unanswered
from tests.payments.receiver import HANG, answer, drip, receiving

HOSTILE_HOSTS = [
    "127.0.0.1", "localhost", "localhost.", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0", "127.1",
    "①②⑦.0.0.1", "127。0。0。1", "١٢٧.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
    "[fd00::1]", "[fe80::1]", "[fe80::1%25eth0]", "[2606:4700::1111%25eth0]", "[fec0::1]", "[ff02::1]",
    "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "intranet", "shop.example.123", "-a.example.com", "a..example.com",
    "shop_1.example.com", "%31%32%37.0.0.1", "metadata",
]  # fmt: skip
HOSTILE_URLS = [
    "https://user@shop.example.com/", "https://user:pass@shop.example.com/", "https://@shop.example.com/",
    "https://shop.example.com:22/", "https://shop.example.com:8080/", "https://shop.example.com:0/",
    "https://shop.example.com:65536/", "https://shop.example.com:x/", "https://shop.example.com:8०80/",
    "gopher://shop.example.com/", "file:///etc/passwd", "ftp://shop.example.com/", "//shop.example.com/",
    "shop.example.com", "https://", "https:///path", "", "http://[::1", "https://[shop.example.com]/",
    "javascript:alert(1)",
]  # fmt: skip
PRIVATE = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fe80::1%lo",
           "fd00::1", "0.0.0.0", "2002:a00:1::"]  # fmt: skip
PUBLIC = ["93.184.215.14", "2606:4700:4700::1111"]


def _resolving(monkeypatch, *answers):
    """Let every name resolve to these lists of addresses, one after the other, the last for ever."""
    told, really = list(answers), socket.getaddrinfo

    def lookup(host, port, *more, **options):
        if host[0].isdigit():  # urllib3 reads the address it is given
            return really(host, port, *more, **options)
        addresses = told.pop(0) if len(told) > 1 else told[0]
        if not addresses:
            raise socket.gaierror("no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.fixture
def _no_connections(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was made")

    monkeypatch.setattr(outgoing, "_connected", refuse)


def _both_refuse(url):
    for act in (outgoing.judge, lambda url, **told: outgoing.post(url, b"{}", {}, **told)):
        with pytest.raises(Blocked):
            act(url, allow_private=False)


@pytest.mark.usefixtures("_no_connections")
@pytest.mark.parametrize("url", [*(f"https://{host}/hook" for host in HOSTILE_HOSTS), *HOSTILE_URLS])
def test_a_hostile_form_is_refused_at_save_and_at_send_before_any_name_is_looked_up(url, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **_: [(2, 1, 6, "", (_literal(host), port))])
    _both_refuse(url)


def _literal(host):
    """What a lookup gives for a literal; a name that gets this far was let through by its form."""
    ipaddress.ip_address(host)
    return host


@pytest.mark.usefixtures("_no_connections")
@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_inside_is_refused_even_beside_a_public_address(address, monkeypatch):
    for found in ([address], [PUBLIC[0], address], [address, PUBLIC[1]]):
        _resolving(monkeypatch, found)
        _both_refuse("https://shop.example.com/hook")


@pytest.mark.usefixtures("_no_connections")
def test_a_name_that_moved_inside_since_it_was_saved_is_refused_at_send(monkeypatch):
    _resolving(monkeypatch, [PUBLIC[0]], ["127.0.0.1"])
    outgoing.judge("https://shop.example.com/hook", allow_private=False)
    with pytest.raises(Blocked):
        outgoing.post("https://shop.example.com/hook", b"{}", {}, allow_private=False)


def test_the_address_that_was_judged_is_the_one_that_is_called(monkeypatch):
    lookups = []

    def lookup(host, port, **_):
        lookups.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC[0], port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    called = []

    def note(url, addresses, deadline):
        called.append(addresses)
        raise OSError

    monkeypatch.setattr(outgoing, "_connected", note)
    with pytest.raises(Unanswered):
        outgoing.post("https://shop.example.com/hook", b"{}", {}, allow_private=False)
    assert (lookups, called) == (["shop.example.com"], [[PUBLIC[0]]])


@pytest.mark.parametrize("url", ["https://shop.example.com/h", "http://shop.example.com/", "https://a-b.example:8443/x",
                                 "https://93.184.215.14/", "https://[2606:4700:4700::1111]/h"])  # fmt: skip
def test_public_addresses_pass(url, monkeypatch):
    _resolving(monkeypatch, PUBLIC)
    assert outgoing.judge(url, allow_private=False) is None


def test_a_name_that_does_not_resolve_passes_at_save_and_is_unanswered_at_send(monkeypatch):
    _resolving(monkeypatch, [])
    outgoing.judge("https://shop.example.com/hook", allow_private=False)
    with pytest.raises(Unanswered, match="does not resolve"):
        outgoing.post("https://shop.example.com/hook", b"{}", {}, allow_private=False)


def test_name_servers_that_keep_us_waiting_hold_up_neither_a_save_nor_a_send(monkeypatch):
    over = threading.Event()

    def hang(*_, **__):
        over.wait(30)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(outgoing, "CONNECT_S", 0.2)
    monkeypatch.setattr(outgoing, "LOOKUP_AT_SAVE_S", 0.2, raising=False)
    try:
        began = time.monotonic()
        assert outgoing.judge("https://shop.example.com/hook", allow_private=False) is None
        with pytest.raises(Unanswered) as late:
            outgoing.post("https://shop.example.com/hook", b"{}", {}, allow_private=False)
        assert late.value.is_late
        assert time.monotonic() - began < 10
    finally:
        over.set()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "https://user@127.0.0.1/", "http://127.0.0.1:99999/"])
def test_where_private_addresses_are_allowed_the_form_still_counts(url):
    with pytest.raises(Blocked):
        outgoing.judge(url, allow_private=True)


# --- A real server ---


def _post(url, body=b'{"a":1}', **headers):
    return outgoing.post(url, body, headers, allow_private=True)


def test_body_headers_host_path_and_query_arrive_as_they_are():
    with receiving(answer(201, "Retry-After: 7", body=b"thanks")) as shop:
        got = _post(f"{shop.origin}/a%20b/c?x=1&y=%2F", b"raw \xe2\x82\xb9", **{"webhook-id": "msg_1"})
        assert (got.status, got.body, got.retry_after) == (201, b"thanks", "7")
        path, headers, body = shop.requests[0]
    assert (path, body) == ("/a%20b/c?x=1&y=%2F", "raw ₹".encode())
    assert (headers["host"], headers["webhook-id"]) == (f"127.0.0.1:{shop.port}", "msg_1")


@pytest.mark.parametrize(("rest", "path"), [("", "/"), ("?x=1", "/?x=1"), ("//x", "//x"), ("/?", "/")])
def test_an_address_without_a_path_asks_for_the_root(rest, path):
    with receiving() as shop:
        _post(shop.origin + rest)
        assert shop.requests[0][0] == path


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_told_and_never_followed(status):
    with receiving() as inside, receiving(answer(status, f"Location: {inside.origin}/")) as shop:
        assert _post(shop.origin).status == status
        assert (len(shop.requests), inside.requests) == (1, [])


def test_of_a_huge_answer_64_kib_are_read():
    with receiving(lambda: drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536, every=0, times=2_000)) as shop:
        assert len(_post(shop.origin).body) == 65_536


def test_a_compressed_answer_is_not_unpacked():
    with receiving(answer(200, "Content-Encoding: gzip", body=b"\x1f\x8bnot gzip")) as shop:
        assert _post(shop.origin).body == b"\x1f\x8bnot gzip"


SLOW = {
    "status line": lambda: drip(b"HTTP/1.1", b" "),
    "headers": lambda: drip(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", every=0.02),
    "continue": lambda: drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": lambda: drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
    "body without length": lambda: drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "chunks": lambda: drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "nothing": HANG,
}


@pytest.mark.parametrize("said", SLOW.values(), ids=SLOW)
def test_however_slowly_it_drips_the_deadline_ends_it(said, monkeypatch):
    monkeypatch.setattr(outgoing, "TOTAL_S", 0.5)
    with receiving(said) as shop:
        began = time.monotonic()
        with pytest.raises(Unanswered) as late:
            _post(shop.origin)
        assert time.monotonic() - began < 3
    # Too many headers are refused as such, at once; all else by the clock.
    assert late.value.is_late or said is SLOW["headers"]


def test_a_tls_handshake_that_never_comes_is_cut_too(monkeypatch):
    monkeypatch.setattr(outgoing, "TOTAL_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(Unanswered) as late:
        _post(f"https://127.0.0.1:{listener.getsockname()[1]}/")
    assert late.value.is_late


def test_an_answer_may_take_longer_than_the_connection(monkeypatch):
    monkeypatch.setattr(outgoing, "CONNECT_S", 0.2)
    with receiving(lambda: (time.sleep(0.8), answer(200))[1]) as shop:
        assert _post(shop.origin).status == 200


def test_no_timer_thread_is_left_behind(monkeypatch):
    monkeypatch.setattr(outgoing, "TOTAL_S", 0.3)
    with receiving(answer(200), HANG, b"garbage\r\n\r\n") as shop:
        _post(shop.origin)
        for _ in range(2):
            with pytest.raises(Unanswered):
                _post(shop.origin)
        assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


LONG_LINE = b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n"


@pytest.mark.parametrize("said", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100, LONG_LINE])
def test_what_is_no_http_is_no_answer(said):
    with receiving(said) as shop, pytest.raises(Unanswered) as fault:
        _post(shop.origin)
    assert not fault.value.is_late


def test_a_reset_is_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reset():
            sock, _ = listener.accept()
            sock.recv(10)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()

        thread = threading.Thread(target=reset)
        thread.start()
        with pytest.raises(Unanswered, match="the connection failed"):
            _post(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()


def test_nobody_listening_is_no_answer():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        with pytest.raises(Unanswered, match="the connection failed") as refused:
            _post(f"http://127.0.0.1:{probe.getsockname()[1]}/")
    assert not refused.value.is_late


def test_the_second_address_is_called_where_the_first_cannot_be_reached(monkeypatch):
    with receiving() as shop:
        _resolving(monkeypatch, ["127.0.0.9", "127.0.0.1"])
        assert _post(f"http://shop.example.com:{shop.port}/").status == 200
        assert shop.requests[0][1]["host"] == f"shop.example.com:{shop.port}"


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with receiving() as shop:
        assert _post(shop.origin).status == 200


# --- TLS ---


def _certificate(*names, issuer=None):
    """A certificate for these names: (certificate, key), signed by the issuer or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer[0].subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    return made, key


def _server(tmp_path, certificate, key):
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "server.pem").write_bytes(certificate.public_bytes(pem) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


@pytest.fixture(scope="module")
def authority():
    return _certificate("Test CA")


@pytest.fixture
def _trusting(monkeypatch, authority):
    create = ssl.create_default_context

    def trusting():
        context = create()
        context.load_verify_locations(cadata=authority[0].public_bytes(serialization.Encoding.PEM).decode())
        return context

    monkeypatch.setattr(ssl, "create_default_context", trusting)


def _call_by_name(monkeypatch, tls, name="shop.example.com"):
    """Call a name that leads to our server, which shows the certificate it has."""
    seen = []
    tls.sni_callback = lambda _, server_name, __: seen.append(server_name)
    with receiving(tls=tls) as shop:
        _resolving(monkeypatch, ["127.0.0.1"])
        answered = _post(f"https://{name}:{shop.port}/hook")
        return answered.status, seen, shop.requests


@pytest.mark.usefixtures("_trusting")
def test_a_trusted_certificate_of_the_name_is_taken_and_the_name_is_asked_for(tmp_path, authority, monkeypatch):
    tls = _server(tmp_path, *_certificate("shop.example.com", issuer=authority))
    status, seen, requests = _call_by_name(monkeypatch, tls)
    assert (status, seen, requests[0][0]) == (200, ["shop.example.com"], "/hook")


@pytest.mark.usefixtures("_trusting")
def test_a_trusted_certificate_of_another_name_is_refused(tmp_path, authority, monkeypatch):
    tls = _server(tmp_path, *_certificate("other.example.com", issuer=authority))
    with pytest.raises(Unanswered, match="certificate is not valid"):
        _call_by_name(monkeypatch, tls)


def test_a_self_signed_certificate_is_refused(tmp_path, monkeypatch):
    tls = _server(tmp_path, *_certificate("shop.example.com"))
    with pytest.raises(Unanswered, match="certificate is not valid"):
        _call_by_name(monkeypatch, tls)
