import os, pytest
from tests.staff.test_in_browser import *
from payments import clock
from tests.factories import *
from tests.staff.conftest import signed_in, make_gateway_event
from payments.services.endpoints import add_endpoint, send_test
from payments.services.audit import record_act
from checkout.staff import base

@pytest.fixture
def world(settings):
    m = MerchantFactory(name="Patang Paper Goods and Kites Private Limited")
    make = lambda **k: paid(OrderFactory(merchant=m, customer__email="asha.rao.with.a.long.name@mail.example.com", notify_url="https://shop.example.com/hook", **k))
    ps = [make() for _ in range(3)]
    p = ps[0]
    add_endpoint(m, "test", "https://shop.example.com/hook", [], at=clock.now())
    start(OrderFactory(merchant=m, order_id="SHOP-2026-000077"), card_request("4000000000000002"))
    requested(ps[1]); 
    held(OrderFactory(merchant=m, manual_capture=True))
    PaymentFactory(order__merchant=m, review_reason="The amount differs.", success=True, captured_minor=100, bank_reference="412345678901")
    for _ in range(3): make_gateway_event(p)
    record_act("order.show_link", act(), object_type="order", object_id=p.order.uid, order=p.order, at=clock.now())
    Adjustment = __import__("payments.models", fromlist=["Adjustment"]).Adjustment
    deliver()
    MerchantFactory(name="Other shop")
    return p

def test_shots(browser, live_server, world):
    base.StaffAdmin.list_per_page = 4
    session = signed_in(User.objects.create_superuser("chief")).cookies["sid"].value
    paths = os.environ.get("SHOTS", "order/ payment/ refund/ delivery/").split()
    paths = [x.replace("ORDER", str(world.order_id)).replace("PAYMENT", str(world.pk)) for x in paths]
    for scheme, width in [("light", 1280), ("light", 375), ("dark", 1280), ("dark",375)]:
        if scheme == "dark" and not os.environ.get("DARK"): continue
        context = browser.new_context(viewport={"width": width, "height": 812}, color_scheme=scheme)
        context.add_cookies([{"name": "sid", "value": session, "url": live_server.url}])
        page = context.new_page()
        for path in paths:
            page.goto(f"{live_server.url}{ADMIN}/{path}")
            name = path.replace("/", "_").replace("?", "_")
            page.screenshot(path=f"/tmp/finding_{name}_{width}_{scheme}.png", full_page=True)
            print(path, width, "doc", page.evaluate("document.documentElement.scrollWidth"), "results", page.evaluate("[...document.querySelectorAll('.results, .till-table')].map(e => e.clientWidth + '/' + e.scrollWidth)"))
            r = Axe().run(page)
            if r.violations_count: print("AXE", path, width, scheme, r.generate_report()[:1500])
        context.close()
