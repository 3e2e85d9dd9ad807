// A reply in Markdown as it grows. Only its last block is read again (of a list: its last item), and most of what is
// added is simply more of the last text.

import { isOpenFence, parse } from "reply_markdown";
import { blocksOf, patch } from "reply_nodes";

// In the middle of a line, these characters can only be text.
const IS_TEXT = /^[^\n\r*_`~[\]()<>&\\|#!:]*$/;

export class Blocks {
  constructor(root) {
    this.root = root;
    this.source = "";
    this.done = 0; // characters that will not change any more
    this.first = 0; // the index of the block they end before
    this.items = 0; // of this block, if it is a list: items that will not change
    this.tip = null; // the text that grows, if nothing else can
    this.inFence = false;
  }

  // More was written; return whether that was all to do. Otherwise `render` has to follow.
  append(text) {
    this.source += text;
    const isMore = this.tip && (this.inFence ? !/[`~\r]/.test(text) : IS_TEXT.test(text));
    if (isMore) this.tip.appendData(text);
    else this.tip = null;
    return !!isMore;
  }

  // `isOpen`: more may come.
  render(isOpen) {
    const tail = this.source.slice(this.done);
    const { tokens, held } = parse(tail, isOpen);
    const blocks = blocksOf(tokens);
    let [first, rest] = [this.first, blocks];
    if (this.items) {
      const list = this.root.childNodes[first];
      const goesOn = blocks[0]?.tag === list.localName;
      patch(list, goesOn ? blocks[0].children : [], this.items);
      [first, rest] = [first + 1, goesOn ? blocks.slice(1) : blocks];
    }
    patch(this.root, rest, first);
    this.tip = null;
    if (!isOpen) return;
    if (!held) this.findTip(tail);
    this.settle(tail, blocks);
  }

  // Before the last block, nothing changes any more; nor before the last item of a list.
  settle(tail, blocks) {
    const last = blocks.at(-1);
    if (!last?.map) return;
    if (blocks.length > 1) {
      this.first = this.root.childNodes.length - 1;
      this.items = 0;
    }
    const isList = last.tag === "ul" || last.tag === "ol";
    const begins = isList ? last.children.at(-1).map : last.map;
    if (isList) this.items += last.children.length - 1;
    this.done += offsetOf(tail, begins[0]);
  }

  findTip(tail) {
    const block = this.root.lastChild;
    if (!block) return;
    this.inFence = isOpenFence(tail);
    if (this.inFence) {
      const code = block.querySelector("code");
      this.tip = code.lastChild ?? code.appendChild(document.createTextNode(""));
      if (tail.endsWith("\n") && this.tip.length) this.tip.appendData("\n");
      return;
    }
    const line = tail.slice(tail.lastIndexOf("\n") + 1);
    if (!/\p{L}/u.test(line)) return;
    let node = block;
    while (node.lastChild) node = node.lastChild;
    if (node.nodeType !== Node.TEXT_NODE || node.parentElement.closest("a, figure")) return;
    const spaces = /[ \t]*$/.exec(line)[0];
    if (!node.data.endsWith(spaces)) node.appendData(spaces);
    this.tip = node;
  }
}

function offsetOf(text, line) {
  const newline = /\r\n?|\n/g;
  for (; line > 0; line -= 1) newline.exec(text);
  return newline.lastIndex;
}
