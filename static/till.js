// For shops: Till({mode}).checkout({paymentSessionId, redirectTarget}) leads the customer to the hosted page.
(() => {
  "use strict";
  // Known only while this file runs; nothing else says which Till the shop uses.
  const script = document.currentScript;
  const origin = script && script.src ? new URL(script.src).origin : "";

  const refusal = (code, message) => ({ error: { code, message } });

  // Leads by GET: a strict form-action of the shop would stop a form, and nothing in a content policy stops a link.
  function lead(options) {
    const { paymentSessionId, redirectTarget } = options || {};
    if (!origin) return refusal("script_origin_unknown", "Load till.js by a script tag of its own, not as a module.");
    if (typeof paymentSessionId !== "string" || !/^sess_[\w-]{32}$/.test(paymentSessionId)) {
      return refusal("payment_session_id_invalid", "paymentSessionId: pass an order’s payment_session_id unchanged.");
    }
    const page = `${origin}/checkout/${paymentSessionId}`;
    try {
      if (redirectTarget === "_blank") {
        if (!open(page, "_blank")) return refusal("popup_blocked", "Call checkout from a click, or use another target.");
      } else {
        // Payment pages refuse to be framed: whatever else is asked for, the whole window goes there.
        top.location.href = page;
      }
    } catch (fault) {
      return refusal("navigation_blocked", "This frame may not move its window; call checkout from a click.");
    }
    return { redirect: true };
  }

  // Called with new or without. The order's API key decides the mode, so what is passed here changes nothing.
  function Till() {
    return { checkout: (options) => Promise.resolve(lead(options)) };
  }
  window.Till = window.Cashfree = Till;
})();
