// Comfort only: every page works without this file.
(() => {
  "use strict";
  const one = (selector) => document.querySelector(selector);

  // Back and forward must show the true state. Not reload(): that would repeat a POST.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.replace(location.pathname + location.search);
  });

  // Chromium refills a form on the way back; number and code are nobody's to keep.
  addEventListener("pageshow", () => {
    if ((performance.getEntriesByType("navigation")[0] || {}).type !== "back_forward") return;
    for (const field of document.querySelectorAll("[autocomplete=cc-number],[autocomplete=cc-csc]")) field.value = "";
  });

  const summary = one("#error-summary");
  if (summary) requestAnimationFrame(() => summary.focus());

  // A second press does nothing; the button keeps its focus and says why.
  for (const form of document.forms) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) return event.preventDefault();
      form.dataset.sent = "1";
      // Enter presses the hidden button, which can say nothing itself: then all do.
      const pressed = event.submitter;
      for (const button of form.elements) {
        if (!button.matches(".button")) continue;
        button.setAttribute("aria-disabled", "true");
        const said = button.textContent;
        if (button === pressed || !pressed || !pressed.matches(".button")) button.textContent = form.dataset.busy;
        // Whoever stopped the page from loading may press again: the server takes a form once.
        setTimeout(() => {
          button.removeAttribute("aria-disabled");
          button.textContent = said;
          delete form.dataset.sent;
        }, 15000);
      }
    });
  }

  // Once, when it is due. Looked at every minute, as timers stand still while a machine sleeps; too late it would not be true.
  const warning = one("[data-due]");
  if (warning) {
    const due = Date.now() + warning.dataset.due * 1000;
    const warn = () => {
      const fold = one(".longer");
      if (Date.now() < due) return setTimeout(warn, Math.min(due - Date.now(), 60000));
      if (Date.now() > due + 300000) return;
      if (fold && !fold.contains(document.activeElement)) fold.remove();
      warning.hidden = false;
    };
    warn();
  }

  // Fours, with the caret kept behind the same digit. Anything but digits, spaces and dashes is left for the server to name.
  const number = one("[autocomplete=cc-number]");
  if (number) {
    number.addEventListener("input", (event) => {
      const typed = number.value;
      if (event.isComposing || /[^\d\s-]/.test(typed)) return;
      const grouped = typed.replace(/\D/g, "").replace(/(.{4})(?=.)/g, "$1 ");
      if (grouped === typed) return;
      const before = typed.slice(0, number.selectionStart).replace(/\D/g, "").length;
      number.value = grouped;
      const forward = event.inputType === "deleteContentForward" && before % 4 === 0;
      const caret = before + Math.max(0, Math.ceil(before / 4) - 1) + (forward ? 1 : 0);
      number.setSelectionRange(caret, caret);
    });
  }

  // The brand in words, as part of the label; trademarks are nobody's to translate. The server decides by its own table.
  const brands = [
    ["RuPay", /^(508|60(69|7|81)|652[12]|8[12]|35[36])/], ["Amex", /^3[47]/], ["Diners Club", /^3(6|8|0[0-5])/],
    ["Mastercard", /^(5[1-5]|2[2-7])/], ["Visa", /^4/],
  ];
  if (number) {
    const brand = document.createElement("span");
    brand.className = "brand";
    brand.translate = false;
    number.labels[0].append(brand);
    number.addEventListener("input", () => {
      const digits = number.value.replace(/\D/g, "");
      const found = digits.length > 3 && brands.find(([, starts]) => starts.test(digits));
      brand.textContent = found ? ` ${found[0]}` : "";
    });
  }

  const expiry = one("[autocomplete=cc-exp]");
  if (expiry) {
    expiry.addEventListener("input", (event) => {
      if (event.isComposing || /^delete/.test(event.inputType)) return;
      const typed = expiry.value;
      const split = typed.replace(/^([2-9])(\d+)$/, "0$1/$2").replace(/^(\d\d)(\d+)$/, "$1/$2");
      if (split === typed) return;
      const caret = expiry.selectionStart + split.length - typed.length;
      expiry.value = split;
      expiry.setSelectionRange(caret, caret);
    });
    expiry.addEventListener("change", () => {
      const parts = /^\s*(\d\d?)\s*[\/.\- ]\s*(?:20)?(\d\d)\s*$/.exec(expiry.value);
      if (parts) expiry.value = parts[1].padStart(2, "0") + "/" + parts[2];
    });
  }

  const actions = one("[data-print]");
  if (actions) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = actions.dataset.print;
    button.addEventListener("click", () => print());
    actions.append(button);
  }
})();
