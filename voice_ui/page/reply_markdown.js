// Markdown, read while it is written: source in, tokens of markdown-it out. No DOM here.
//
// A construct that is only half written is read as it will probably end ("**bol" is bold already), and marks that may
// still become one thing or another are held back for a moment, so that nothing on the page changes its form twice.

import MarkdownIt from "markdown_it";

const LONGEST_INLINE = 10_000; // characters of one paragraph; a longer one is plain text
const DEEPEST = 12; // quotes and lists in each other; what is deeper is plain text
const LONGEST_BLOCK = 30_000; // of one block, other than code; a longer one is plain text
const LONGEST_HELD = 200; // characters of a link's text that wait for its address

const SAFE_LINK = /^(https?:\/\/|mailto:)./i;

const md = new MarkdownIt({ html: false, linkify: true, breaks: true, maxNesting: 40 });
md.disable(["code", "lheading", "reference", "html_block", "html_inline"]);
md.validateLink = (url) => url === "" || SAFE_LINK.test(url);
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });

for (const [name, level] of [["blockquote", 1], ["list", 2]]) {
  const { fn, alt } = md.block.ruler.__rules__.find((rule) => rule.name === name);
  md.block.ruler.at(name, (state, ...rest) => state.level < DEEPEST * level && fn(state, ...rest), { alt });
}
md.core.ruler.after("block", "half_written", (state) => {
  const { tokens, env } = state;
  const inline = tokens.filter((token) => token.type === "inline");
  const last = inline.at(-1);
  const isLast = last && tokens.slice(tokens.indexOf(last) + 1).every((token) => token.nesting === -1);
  if (env.open && isLast && !/\n[ \t]*\n[ \t]*$/.test(state.src)) {
    const mended = mend(last.content);
    env.held ||= mended.held;
    last.content = mended.text;
  }
  for (const token of inline) if (token.content.length > LONGEST_INLINE) token.type = "plain";
});

// Return the tokens of a text; `held`: whether some of its end is not in them. `open`: more of it may come.
export function parse(source, open) {
  const env = { open, held: false };
  if (source.length > LONGEST_BLOCK && !isOpenFence(source)) return { tokens: [{ type: "plain", content: source }], held: true };
  if (open) source = withoutHalfLine(source, env);
  return { tokens: md.parse(source, env), held: env.held };
}

// Blocks.

const FENCE = /^ {0,3}(`{3,}|~{3,})[^\n]*\n/;
const MARKS_ONLY = /^[ \t>]*([-*+]|#{1,6}|[-*_=|`~: \t]*)[ \t]*$/;
const NUMBER_ONLY = /^[ \t>]*\d{1,9}[.)]?$/; // after another line, perhaps the next item of a list
const HALF_FENCE = /^[ \t>]*(`{3,}|~{3,})[^`\n]*$/;

// Whether the text is a code block that has not ended.
export function isOpenFence(source) {
  const [, fence] = FENCE.exec(source) ?? [];
  return !!fence && !new RegExp(`\\n {0,3}\\${fence[0]}{${fence.length},}[ \\t]*(\\n|$)`).test(source);
}

// Take away a last line that is nothing yet but marks, and complete the head of a table.
function withoutHalfLine(source, env) {
  const start = source.lastIndexOf("\n") + 1;
  const line = source.slice(start);
  if (isOpenFence(source)) {
    if (!/^[ \t]*[`~]+[ \t]*$/.test(line)) return source;
    env.held = true;
    return source.slice(0, start);
  }
  const head = tableHead(source);
  if (head !== null) {
    env.held = head !== source;
    return head;
  }
  if (line.trim() && ((start && NUMBER_ONLY.test(line)) || MARKS_ONLY.test(line) || HALF_FENCE.test(line))) {
    env.held = true;
    return source.slice(0, start);
  }
  return source;
}

// Where the text ends with the head of a table: the text with a whole head. Else null.
function tableHead(source) {
  const block = source.slice(source.lastIndexOf("\n\n") + 1).trimStart();
  if (!block.startsWith("|")) return null;
  const [head, ruler = "", ...rows] = block.split("\n");
  if (rows.length || !/^[ \t|:-]*$/.test(ruler) || head.length > LONGEST_INLINE) return null;
  const inner = head.replace(/^\|/, "").replace(/(^|[^\\])\|[ \t]*$/, "$1");
  if (!inner.trim()) return null;
  const columns = inner.split(/(?<!\\)\|/).length;
  if (isWhole(ruler, columns)) return source;
  return `${source.slice(0, source.length - block.length)}|${inner}|\n${"|---".repeat(columns)}|`;
}

function isWhole(ruler, columns) {
  const cells = ruler.trim().replace(/^\||\|$/g, "").split("|");
  return cells.length === columns && cells.every((cell) => /^ *:?-+:? *$/.test(cell));
}

// Inside of a paragraph.

const isSpace = (character) => character === undefined || /\s/.test(character);
const isWord = (character) => character !== undefined && /[\p{L}\p{N}]/u.test(character);

// Close what is open at the end of a text; hold back what cannot be told yet.
function mend(text) {
  if (text.length > LONGEST_INLINE) return { text, held: false };
  const opened = []; // marks of emphasis that wait for their end
  let bracket = -1;
  for (let at = 0; at < text.length; ) {
    const character = text[at];
    let end = at + 1;
    if (character === "\\") end = at + 2;
    else if (character === "`") {
      while (text[end] === "`") end += 1;
      const ticks = text.slice(at, end);
      const close = closing(text, ticks, end);
      if (close < 0) {
        const code = text.slice(end);
        if (!code.trim() || code.length > LONGEST_HELD * 5) return cut(text, code.trim() ? text.length : at, opened);
        return { text: closed(text.replace(/`+$/, ""), [...opened, ticks]), held: true };
      }
      end = close + ticks.length;
    } else if (character === "*" || character === "_" || character === "~") {
      while (text[end] === character) end += 1;
      const run = text.slice(at, end);
      const top = opened.at(-1);
      if (top?.[0] === character && !isSpace(text[at - 1]) && !(character === "_" && isWord(text[end]))) {
        if (end === text.length && run.length < top.length) return cut(text, at, opened);
        if (run.length >= top.length) opened.pop();
        else opened[opened.length - 1] = top.slice(run.length);
      } else if (end === text.length) return cut(text, at, opened);
      else if (!isSpace(text[end]) && !isWord(text[at - 1]) && run.length <= 3 && (character !== "~" || run.length === 2)) {
        opened.push(run);
      }
    } else if (character === "[") bracket = at;
    else if (character === "]" && bracket >= 0) {
      const rest = /^\(([^\s()<>]*|<[^<>\n]*)$/.exec(text.slice(end));
      if (end === text.length) return cut(text, start(text, bracket), opened);
      if (rest) return { text: closed(`${text.slice(0, end)}()`, opened), held: true };
      bracket = -1;
    }
    at = end;
  }
  if (bracket >= 0 && text.length - bracket < LONGEST_HELD) return cut(text, start(text, bracket), opened);
  const half = /(\\|&#?\w{0,30}|<(https?:?[^\s<>]*|h|ht|htt|m|ma|mai|mail|mailt|mailto:?[^\s<>]*)?)$/.exec(text);
  if (half && half[0] !== "") return cut(text, half.index, opened);
  return { text: opened.length ? closed(text, opened) : text, held: false };
}

const start = (text, bracket) => (text[bracket - 1] === "!" ? bracket - 1 : bracket);

function closing(text, ticks, from) {
  for (let at = text.indexOf(ticks, from); at >= 0; at = text.indexOf(ticks, at)) {
    let end = at;
    while (text[end] === "`") end += 1;
    if (end - at === ticks.length) return at;
    at = end;
  }
  return -1;
}

function cut(text, at, opened) {
  return { text: closed(text.slice(0, at), opened), held: true };
}

// The marks that were opened last are closed first; before the spaces at the end, or they would close nothing.
function closed(text, opened) {
  const shown = text.trimEnd();
  const last = opened.at(-1);
  if (last && shown.endsWith(last)) return closed(shown.slice(0, -last.length), opened.slice(0, -1));
  return shown + [...opened].reverse().join("");
}
