import socket

import pytest

from payments import urls
from payments.errors import BadInput

ORIGINS = ["https://shop.com", "http://localhost:8000"]


def _reason(check, *args, **kwargs):
    with pytest.raises(BadInput) as refused:
        check(*args, **kwargs)
    return refused.value.reason


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://shop.com", "https://shop.com"),
        ("https://shop.com/return?x=1", "https://shop.com"),
        ("HTTPS://Shop.COM/x", "https://shop.com"),
        ("https://shop.com:443/x", "https://shop.com"),
        ("http://shop.com:80?x", "http://shop.com"),
        ("https://shop.com:8443/", "https://shop.com:8443"),
        ("http://127.0.0.1:8000/shop/return", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
        ("https://shop.com/orders/{order_id}", "https://shop.com"),
    ],
)
def test_the_origin_is_scheme_host_and_port(url, origin):
    assert urls.origin_of("return_url", url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "", "shop.com", "/return", "javascript:alert(1)", "data:text/html,x", "//evil.com", "https:evil.com",
        "https:///evil.com", "https://", "ftp://shop.com", "https://shop.com@evil.com", "https://a:b@shop.com/",
        "https://shop.com\\@evil.com", "https://shop.com/\\evil", "https://evil.com#@shop.com", "https://shop.com/#x",
        "https://shop.com\r\nSet-Cookie: x", "ht\ntps://shop.com", " https://shop.com", "https://shop.com ",
        "\x01https://shop.com", "https://shop.com\t/x", "https://shоp.com", "https://shop.com:99999", "https://shop.com:0",
        "https://shop.com:", "https://shop.com:8a", "https://shop.com/" + "x" * 250, "https://sh%6fp.com/",
        "https://shop.com;evil.com/", "https://shop.com,evil.com", "https://[::1", "https://[shop.com]/", "https://ſhop.com",
    ],
)  # fmt: skip
def test_addresses_that_parsers_and_browsers_read_differently_are_refused(url):
    assert _reason(urls.origin_of, "return_url", url) == "url_invalid"


@pytest.mark.parametrize("url", ["https://shop.com", "https://shop.com/a/{order_id}?b=1", "http://localhost:8000/x"])
def test_registered_origins_are_allowed(url):
    assert urls.check_return_url(url, origins=ORIGINS, live=False) is None


@pytest.mark.parametrize(
    "url",
    ["https://shop.com.evil.com/", "https://evilshop.com/", "http://shop.com/", "https://shop.com:8443/",
     "https://www.shop.com/", "https://evil.com/?https://shop.com", "http://localhost:8001/", "https://shop.com./"],
)  # fmt: skip
def test_other_origins_are_refused(url):
    assert _reason(urls.check_return_url, url, origins=ORIGINS, live=False) == "return_url_not_allowed"


def test_live_orders_need_https_even_on_a_registered_origin():
    assert (
        _reason(urls.check_return_url, "http://localhost:8000/", origins=ORIGINS, live=True) == "return_url_not_allowed"
    )
    assert urls.check_return_url("https://shop.com/", origins=ORIGINS, live=True) is None


@pytest.mark.parametrize("url", ["gopher://x.com", "file:///etc/passwd", "https://a@b.com/", "x"])
def test_notify_urls_are_plain_web_addresses(url):
    assert _reason(urls.check_notify_url, url, live=False) == "url_invalid"


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://2130706433/", "https://[::1]/", "https://localhost/h",
                                 "https://169.254.169.254/", "https://shop.com:8080/", "http://10.0.0.1/"])  # fmt: skip
def test_notify_urls_that_lead_inside_are_refused_unless_test_keys_may(url, settings):
    assert _reason(urls.check_notify_url, url, live=False) == "notify_url_not_allowed"
    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert urls.check_notify_url(url, live=False) is None
    assert _reason(urls.check_notify_url, url.replace("http:", "https:"), live=True) == "notify_url_not_allowed"


def test_a_name_that_leads_inside_is_refused_and_one_that_does_not_resolve_is_not(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 0))])
    with pytest.raises(BadInput, match="notify_url: we cannot call this address: it leads into a private"):
        urls.check_notify_url("https://shop.com/hook", live=False)
    urls.check_notify_url("https://shop.com/hook", live=False, is_new=False)

    def unknown(*_, **__):
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    urls.check_notify_url("https://shop.com/hook", live=False)


def test_our_own_address_is_refused_unless_test_keys_may(settings):
    settings.PUBLIC_URL = "https://pay.example.com"
    assert _reason(urls.check_notify_url, "https://pay.example.com/x", live=True) == "notify_url_not_allowed"
    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert urls.check_notify_url("https://pay.example.com/x", live=False) is None


def test_live_notify_urls_need_https():
    assert _reason(urls.check_notify_url, "http://shop.com/hook", live=True) == "notify_url_invalid"
    assert urls.check_notify_url("http://shop.com/hook", live=False) is None


@pytest.mark.parametrize(
    ("url", "finished"),
    [
        ("https://shop.com/return", "https://shop.com/return?order_id=order_1"),
        ("https://shop.com", "https://shop.com?order_id=order_1"),
        ("https://shop.com/r?a=1", "https://shop.com/r?a=1&order_id=order_1"),
        ("https://shop.com/r/{order_id}/done", "https://shop.com/r/order_1/done"),
        ("https://shop.com/r?o={order_id}&x=1", "https://shop.com/r?o=order_1&x=1"),
    ],
)
def test_the_way_back_carries_the_order_id_and_nothing_else(url, finished):
    assert urls.finished_return_url(url, "order_1") == finished


def test_an_order_id_cannot_change_the_address():
    assert urls.finished_return_url("https://shop.com/r", "a&b=c#d/../e") == (
        "https://shop.com/r?order_id=a%26b%3Dc%23d%2F..%2Fe"
    )


def test_an_order_id_that_stands_in_the_query_already_is_replaced():
    url = "https://shop.example.com/thanks?a=1&order_id=1&b=2"
    assert urls.finished_return_url(url, "PTG-7") == "https://shop.example.com/thanks?a=1&b=2&order_id=PTG-7"
