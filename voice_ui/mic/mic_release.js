// A hold ends wherever its end can be seen: the key or pointer goes up, the window or the tab is left, or the person
// begins to type. Call `released` then; return a function that stops watching.

const TEXT = "input, textarea, select, [contenteditable]";

export function watchRelease(pressed, released) {
  const watching = new AbortController();
  const watch = (target, name, ends = () => true) =>
    target.addEventListener(name, (event) => ends(event) && released(), { capture: true, signal: watching.signal });
  if (pressed?.type === "keydown") watch(window, "keyup", ({ code }) => code === pressed.code);
  if (pressed?.type === "pointerdown") {
    for (const name of ["pointerup", "pointercancel"]) watch(window, name, ({ pointerId }) => pointerId === pressed.pointerId);
  }
  watch(window, "blur", ({ target }) => target === window);
  watch(window, "pagehide");
  watch(document, "visibilitychange", () => document.hidden);
  watch(document, "focusin", ({ target }) => target.closest?.(TEXT));
  return () => watching.abort();
}
