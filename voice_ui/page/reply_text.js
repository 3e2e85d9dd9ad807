// The text of one reply in one element: as Markdown, or as it was written.

const FRAME_MS = 16;
const SHARE = 4; // reading Markdown takes at most one part in so many of the time

let blocks; // the module that reads Markdown, once it is here
let loading;

function load() {
  const whenIdle = window.requestIdleCallback ?? ((call) => setTimeout(call, 100));
  loading ??= new Promise((resolve) => whenIdle(resolve, { timeout: 1000 }))
    .then(() => import("reply_blocks"))
    .then((module) => (blocks = module));
  return loading;
}

// What of a text was not heard (yet) is marked by a range, which costs no element.
const unheard = window.Highlight && new Highlight();
if (unheard) CSS.highlights.set("vp-unheard", unheard);

export class ReplyText {
  constructor(element) {
    this.element = element;
    element.reply = this;
    this.source = "";
    this.isOpen = true;
    this.heard = null;
    this.blocks = null; // null while it is shown as it was written
    this.node = element.appendChild(document.createTextNode(""));
    this.shownAt = this.cost = 0;
    element.addEventListener("click", copyCode);
    if (!blocks) load().then(() => this.element && this.show(), () => {}); // without it: as it was written
  }
  remove() {
    clearTimeout(this.timer);
    this.mark(null);
    this.element = null;
  }

  // At a place, so that what comes twice changes nothing.
  put(at, text) {
    if (at !== this.source.length) return this.set(this.source.slice(0, at) + text);
    this.source += text;
    if (!this.blocks && this.isMarkdown) return this.show();
    if (!this.blocks) this.node.appendData(text);
    else if (!this.blocks.append(text)) return this.renderSoon();
    if (this.heard != null) this.mark(this.heard);
  }
  set(text) {
    if (text === this.source) return;
    this.source = text;
    this.blocks = null;
    this.show();
  }
  finish() {
    this.isOpen = false;
    this.show();
  }

  get isMarkdown() {
    return !!blocks && this.element.closest(".voice-panel")?.dataset.plain !== "true";
  }

  // All of it, in the form that is wanted now.
  show() {
    const { element, isMarkdown } = this;
    element.toggleAttribute("data-markdown", isMarkdown);
    if (isMarkdown) {
      if (!this.blocks) {
        element.replaceChildren();
        this.blocks = new blocks.Blocks(element);
        this.blocks.source = this.source;
      }
      return this.render();
    }
    this.blocks = null;
    this.node.data = this.source;
    if (element.firstChild !== this.node || element.lastChild !== this.node) element.replaceChildren(this.node);
    if (this.heard != null) this.mark(this.heard);
  }

  renderSoon() {
    const wait = Math.max(FRAME_MS, SHARE * this.cost) - (performance.now() - this.shownAt);
    if (wait <= 0) this.render();
    else this.timer ??= setTimeout(() => this.blocks && this.render(), wait);
  }
  render() {
    clearTimeout(this.timer);
    this.timer = null;
    const start = performance.now();
    this.blocks.render(this.isOpen);
    this.shownAt = performance.now();
    this.cost = this.shownAt - start;
    if (this.heard != null) this.mark(this.heard);
  }

  // Grey from this character of the source on; null: nothing.
  mark(heard) {
    this.heard = heard;
    if (heard == null) delete this.element.dataset.heard;
    else this.element.dataset.heard = heard;
    if (this.range) unheard.delete(this.range);
    this.range = null;
    const place = unheard && heard != null && heard < this.source.length && this.placeOf(heard);
    if (!place) return;
    this.range = new Range();
    this.range.setStart(...place);
    this.range.setEndAfter(this.element.lastChild);
    unheard.add(this.range);
  }
  // The source is what is shown with marks in between: the same letters in the same order.
  placeOf(heard) {
    const texts = document.createTreeWalker(this.element, NodeFilter.SHOW_TEXT);
    let from = 0;
    while (texts.nextNode()) {
      const { data } = texts.currentNode;
      for (let at = 0; at < data.length; at += 1) {
        const found = this.source.indexOf(data[at], from);
        if (found >= heard) return [texts.currentNode, at];
        if (found >= 0) from = found + 1;
      }
    }
    return null;
  }
}

function copyCode({ target }) {
  const button = target.closest(".vp-code-copy");
  if (button) Quasar.copyToClipboard(button.parentElement.querySelector("code").textContent);
}
