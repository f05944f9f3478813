// Comfort only: draws the preview anew as its fields change. Without this file the Preview button does the same.
(() => {
  "use strict";
  const box = document.querySelector(".till-preview[data-live]");
  if (!box) return;
  const button = box.querySelector("[formtarget]");
  const room = box.querySelector(".till-preview-room");
  let timer = 0;
  let drawn = 0;

  // The frame that is shown stays until a fresh one is drawn, so nothing flickers while people type, and a frame's first
  // page adds nothing to the browser's history. A browser may know a frame by its first name for ever: each has its own.
  const draw = () => {
    const [shown, ...waiting] = room.querySelectorAll("iframe");
    for (const frame of waiting) frame.remove();
    const fresh = shown.cloneNode();
    fresh.removeAttribute("src");
    fresh.removeAttribute("loading");
    fresh.name = button.formTarget = `brand-preview-${++drawn}`;
    room.append(fresh);
    fresh.hidden = true;
    fresh.addEventListener("load", () => {
      if (fresh.contentDocument) return; // still the empty one: ours is nobody's to read
      fresh.hidden = false;
      shown.remove();
    });
    button.form.requestSubmit(button);
  };

  const fields = box.closest("fieldset");
  fields.addEventListener("input", (event) => {
    if (event.target.name === "preview-width") return;
    clearTimeout(timer);
    timer = setTimeout(draw, event.target.type === "text" || event.target.type === "email" ? 500 : 0);
  });

  // What was changed before this file came, or put back by the browser, or refused: shown as typed, not as saved.
  const isChanged = (field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked;
  if ([...fields.querySelectorAll("input")].some(isChanged) || document.querySelector(".errornote")) draw();
})();
