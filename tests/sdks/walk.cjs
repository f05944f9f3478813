// One merchant's day through the official Node SDK: a JSON line a step. `told` comes from stdin; see walk.py.
const { Cashfree, CFEnvironment } = require("cashfree-pg");
const fs = require("node:fs");
const { randomUUID } = require("node:crypto");

const told = JSON.parse(fs.readFileSync(0, "utf8"));
const say = (step, what) => process.stdout.write(JSON.stringify({ step, ...what }) + "\n");

function client(secret) {
  // The seventh argument keeps the SDK from sending errors to a third party.
  const cf = new Cashfree(CFEnvironment.SANDBOX, told.client_id, secret, undefined, undefined, undefined, false);
  cf.basePath = told.base_url;
  return cf;
}

async function refused(step, call) {
  try {
    await call();
    say(step, { raised: null });
  } catch (fault) {
    const { code, type } = fault.response.data;
    say(step, { raised: fault.name, status: fault.response.status, code, type });
  }
}

const newOrder = (over) => ({
  order_amount: 299.99,
  order_currency: "INR",
  customer_details: { customer_id: "walker_01", customer_phone: "9999999999", customer_email: "a@example.com" },
  order_meta: { return_url: "https://shop.example.com/return?order_id={order_id}" },
  ...over,
});
const card = (number, channel) => ({
  card: {
    channel, card_number: number, card_holder_name: "Asha Rao",
    card_expiry_mm: "12", card_expiry_yy: "39", card_cvv: "123",
  },
});

async function main() {
  const cf = client(told.client_secret);
  const create = async (over) => (await cf.PGCreateOrder(newOrder(over))).data;
  const fetch = async (order) => (await cf.PGFetchOrder(order.order_id)).data;
  const pay = async (order, payment_method) =>
    (await cf.PGPayOrder({ payment_session_id: order.payment_session_id, payment_method })).data;
  const simulate = async (entity_id, payment_status) =>
    (await cf.PGSimulatePayment({ entity: "PAYMENTS", entity_id, entity_simulation: { payment_status } })).data;

  let order = await create({ order_tags: { name: "Asha" }, order_note: "Two kites" });
  say("create", { status: order.order_status, amount: order.order_amount, tags: order.order_tags });
  say("fetch", { same: (await fetch(order)).cf_order_id === order.cf_order_id });
  let next = await pay(order, card("4000000000003220", "post"));
  say("pay card", {
    action: next.action, channel: next.channel, method: next.payment_method, amount: next.payment_amount,
  });
  const said = (await cf.PGOrderAuthenticatePayment(next.cf_payment_id, { action: "SUBMIT_OTP", otp: "000000" })).data;
  say("wrong code", { status: said.authenticate_status, same: said.cf_payment_id === next.cf_payment_id });
  for (const [name, method] of [
    ["pay netbanking", { netbanking: { channel: "link", netbanking_bank_code: 3021 } }],
    ["pay app", { app: { channel: "link", provider: "paytm", phone: "9999999999" } }],
    ["pay upi code", { upi: { channel: "qrcode" } }],
    ["pay upi", { upi: { channel: "collect", upi_id: "pending@sim" } }],
  ]) {
    next = await pay(order, method);
    say(name, { action: next.action, channel: next.channel, method: next.payment_method });
  }
  const made = await simulate(next.cf_payment_id, "SUCCESS");
  const seen = (await cf.PGFetchSimulation(made.simulation_id)).data;
  say("simulate", {
    same: JSON.stringify(seen) === JSON.stringify(made), status: seen.entity_simulation.payment_status,
  });
  say("paid", { status: (await fetch(order)).order_status });

  const payments = (await cf.PGOrderFetchPayments(order.order_id)).data;
  say("payments", {
    statuses: payments.map((one) => one.payment_status), groups: payments.map((one) => one.payment_group),
  });
  const one = (await cf.PGOrderFetchPayment(order.order_id, payments[0].cf_payment_id)).data;
  say("payment", { status: one.payment_status, captured: one.is_captured, upi: one.payment_method.upi.upi_id });

  const asked = { refund_amount: 100, refund_id: "refund_1", refund_note: "One kite torn" };
  const first = (await cf.PGOrderCreateRefund(order.order_id, asked)).data;
  say("refund", { status: first.refund_status, amount: first.refund_amount, processed: first.processed_at });
  const refunds = (await cf.PGOrderFetchRefunds(order.order_id)).data;
  const refund = (await cf.PGOrderFetchRefund(order.order_id, "refund_1")).data;
  say("refunds", { ids: refunds.map((row) => row.refund_id), same: refund.cf_refund_id === first.cf_refund_id });
  await refused("too much", () =>
    cf.PGOrderCreateRefund(order.order_id, { refund_amount: 5000, refund_id: "refund_2" }));

  let other = await create();
  const ended = (await cf.PGTerminateOrder(other.order_id, { order_status: "TERMINATED" })).data;
  say("terminate", { status: ended.order_status });
  await refused("pay terminated", () => pay(other, card("4242424242424242", "link")));
  const failing = await create();
  next = await pay(failing, { upi: { channel: "link" } });
  await simulate(next.cf_payment_id, "FAILED");
  const failed = (await cf.PGOrderFetchPayment(failing.order_id, next.cf_payment_id)).data;
  say("failed", {
    status: failed.payment_status, reason: failed.error_details.error_reason,
    order: (await fetch(failing)).order_status,
  });
  next = await pay(failing, card("4242424242424242", "link"));
  say("paid at once", { action: next.action, order: (await fetch(failing)).order_status });

  for (const [step, id, body] of [
    ["capture", told.to_capture, { action: "CAPTURE", amount: 100 }],
    ["void", told.to_void, { action: "VOID" }],
  ]) {
    const done = (await cf.PGAuthorizeOrder(id, body)).data;
    say(step, {
      status: done.payment_status, captured: done.is_captured, amount: done.payment_amount,
      action: done.authorization.action, action_status: done.authorization.status,
    });
  }

  await refused("no settlement", () => cf.PGOrderFetchSettlement(order.order_id));
  const settled = (await cf.PGOrderFetchSettlement(told.settled)).data;
  say("settlement", {
    amount: settled.payment_details.settlement_amount, fee: settled.payment_details.pg_service_charge,
    utr: settled.settlement_details.settlement_utr, same: settled.settlement_id === told.settlement,
  });
  const dates = { start_date: "2026-01-01T00:00:00Z", end_date: "2039-01-01T00:00:00Z" };
  const page = { pagination: { limit: 10 }, filters: dates };
  const [row] = (await cf.PGFetchSettlements(page)).data.data;
  say("settlements", { status: row.status, amount: row.amount_settled, utr: row.settlement_utr });
  const events = (lines) => ({
    types: lines.map((line) => line.event_details.event_type),
    amounts: lines.map((line) => line.event_details.event_settlement_amount),
  });
  const only = { ...page, filters: { ...dates, cf_settlement_ids: [told.settlement] } };
  const lines = (await cf.PGSettlementFetchRecon(only)).data.data;
  say("settlement recon", {
    ...events(lines), utr: lines[0].settlement_details.settlement_utr, refund: lines[1].refund_details.refund_note,
  });
  say("recon", events((await cf.PGFetchRecon(page)).data.data));

  const { headers, body, order_id } = told.webhook;
  const signature = headers["x-webhook-signature"];
  const sent = headers["x-webhook-timestamp"];
  const event = cf.PGVerifyWebhookSignature(signature, body, sent);
  say("webhook", { type: event.type, order: event.object.data.order.order_id === order_id });
  try {
    cf.PGVerifyWebhookSignature(signature, body.replace("SUCCESS", "FAILED"), sent);
  } catch (fault) {
    say("forged", { raised: fault.name });
  }

  await refused("bad currency", () => cf.PGCreateOrder(newOrder({ order_currency: "XXX" })));
  await refused("unknown", () => cf.PGFetchOrder("nobody"));
  await refused("taken", () => cf.PGCreateOrder(newOrder({ order_id: order.order_id })));
  const key = randomUUID();
  const keyed = [];
  for (let i = 0; i < 2; i++) keyed.push((await cf.PGCreateOrder(newOrder(), undefined, key)).data.cf_order_id);
  say("same key", { same: keyed[0] === keyed[1] });
  await refused("key used", () => cf.PGCreateOrder(newOrder({ order_amount: 1 }), undefined, key));
  await refused("wrong secret", () => client("wrong").PGFetchOrder(order.order_id));
}

main().catch((fault) => {
  process.stderr.write(`${fault.stack}\n${JSON.stringify(fault.response?.data ?? null)}\n`);
  process.exit(1);
});
