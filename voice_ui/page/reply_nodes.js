// Tokens of markdown-it as elements of the page, brought up to date in place: what stays the same is not touched.
//
// Every element is made here, from a short list, with text nodes in it. Nothing that a model writes is read as HTML.

const TAGS = new Set([
  "p", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td",
  "strong", "em", "s",
]);
const ALIGNED = /text-align:(left|center|right)/;

// Return the top-level blocks as plain objects: {tag, attributes, children, token}; a child may be a string.
export function blocksOf(tokens) {
  const root = { children: [] };
  let parents = [root];
  for (const token of tokens) {
    const parent = parents.at(-1);
    if (token.nesting === 1) {
      const block = opened(token);
      parent.children.push(block);
      parents.push(block);
    } else if (token.nesting === -1) parents.pop();
    else if (token.type === "inline") parent.children.push(...inlineOf(token.children));
    else if (token.type === "plain") add(parents.length === 1 ? topParagraph(root) : parent, token.content);
    else if (token.type === "fence") parent.children.push(code(token));
    else if (token.type === "hr") parent.children.push({ tag: "hr", attributes: {}, children: [] });
  }
  for (const block of root.children) if (block.tag !== "hr" && block.tag !== "figure") block.attributes.dir = "auto";
  return root.children.map((block) => (block.tag === "table" ? scrolling(block) : block));
}

function topParagraph(root) {
  root.children.push({ tag: "p", attributes: {}, children: [] });
  return root.children.at(-1);
}

function opened(token) {
  const level = /^h([1-6])$/.exec(token.tag); // below the two levels of the page's own headings
  const wanted = level ? `h${Math.min(6, +level[1] + 2)}` : token.tag;
  const tag = TAGS.has(wanted) ? wanted : "p";
  const block = { tag, attributes: {}, children: [], map: token.map };
  const start = token.attrGet("start");
  if (tag === "ol" && start !== null) block.attributes.start = String(start);
  const aligned = ALIGNED.exec(token.attrGet("style") ?? "");
  if (aligned) block.attributes.class = `vp-${aligned[1]}`;
  return block;
}

function scrolling(table) {
  const attributes = { class: "vp-table", role: "group", tabindex: "0", "aria-label": "Table" };
  return { tag: "div", attributes, children: [table], map: table.map };
}

function code(token) {
  const language = token.info.trim().split(/\s+/)[0].slice(0, 30);
  const button = { class: "vp-code-copy", type: "button", "aria-label": "Copy this code", title: "Copy" };
  const text = token.content.replace(/\n$/, "");
  return {
    tag: "figure",
    attributes: { class: "vp-code", dir: "ltr", translate: "no", ...(language && { "data-language": language }) },
    children: [
      { tag: "button", attributes: button, children: [] },
      {
        tag: "pre",
        attributes: { tabindex: "0", role: "group", "aria-label": language ? `Code, ${language}` : "Code" },
        children: [{ tag: "code", attributes: {}, children: text ? [text] : [] }],
      },
    ],
    map: token.map,
  };
}

function inlineOf(tokens) {
  const root = { children: [] };
  const parents = [root];
  for (const token of tokens) {
    const parent = parents.at(-1);
    if (token.nesting === 1) {
      const element = token.type === "link_open" ? link(token.attrGet("href")) : { tag: token.tag, attributes: {}, children: [] };
      if (!TAGS.has(element.tag) && element.tag !== "a") element.tag = "em";
      parent.children.push(element);
      parents.push(element);
    } else if (token.nesting === -1) parents.pop();
    else if (token.type === "softbreak" || token.type === "hardbreak") parent.children.push({ tag: "br", attributes: {}, children: [] });
    else if (token.type === "code_inline") parent.children.push({ tag: "code", attributes: { dir: "ltr" }, children: [token.content] });
    else if (token.type === "image") parent.children.push({ ...link(token.attrGet("src")), children: [token.content || "image"] });
    else add(parent, token.content);
  }
  return root.children;
}

// Also an image is a link: nothing is loaded from elsewhere unless somebody asks for it.
function link(url) {
  return { tag: "a", attributes: url ? { href: url, target: "_blank", rel: "noopener noreferrer" } : {}, children: [] };
}

function add(parent, text) {
  if (!text) return;
  if (typeof parent.children.at(-1) === "string") parent.children.push(parent.children.pop() + text);
  else parent.children.push(text);
}

// Make the children of `parent` from the index `from` on look like these.
export function patch(parent, children, from = 0) {
  let node = parent.childNodes[from] ?? null;
  for (const child of children) {
    const next = node?.nextSibling ?? null;
    if (typeof child === "string") {
      if (node?.nodeType !== Node.TEXT_NODE) replace(parent, node, document.createTextNode(child));
      else if (node.data !== child) {
        if (child.startsWith(node.data)) node.appendData(child.slice(node.length));
        else node.data = child;
      }
    } else {
      let element = node;
      if (node?.localName !== child.tag) replace(parent, node, (element = document.createElement(child.tag)));
      setAttributes(element, child.attributes);
      patch(element, child.children);
    }
    node = next;
  }
  while (node) {
    const next = node.nextSibling;
    node.remove();
    node = next;
  }
}

function replace(parent, before, node) {
  if (before) before.replaceWith(node);
  else parent.appendChild(node);
}

function setAttributes(element, attributes) {
  for (const name of element.getAttributeNames()) if (!(name in attributes)) element.removeAttribute(name);
  for (const name in attributes) if (element.getAttribute(name) !== attributes[name]) element.setAttribute(name, attributes[name]);
}
