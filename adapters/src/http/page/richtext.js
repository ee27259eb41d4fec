// Texts of motions and topics are HTML written by users. It is parsed in a separate document, where nothing runs or
// loads, and rebuilt from a few harmless elements without attributes.

const KEPT = new Set(["P", "BR", "B", "STRONG", "I", "EM", "U", "S", "UL", "OL", "LI", "H1", "H2", "H3", "H4", "BLOCKQUOTE", "PRE", "CODE", "DEL", "INS", "SUB", "SUP"]);
const DROPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "EMBED", "SVG", "MATH", "NOSCRIPT", "TITLE", "TEXTAREA"]);

/** `text` as a harmless fragment. */
export function richText(text) {
  const parsed = new DOMParser().parseFromString(String(text ?? ""), "text/html");
  const fragment = document.createDocumentFragment();
  copy(parsed.body, fragment);
  return fragment;
}

/** `text` as one line of plain text. */
export function plainText(text) {
  const parsed = new DOMParser().parseFromString(String(text ?? ""), "text/html");
  for (const block of parsed.body.querySelectorAll("p, br, li, div")) block.append(" ");
  return parsed.body.textContent.replace(/\s+/g, " ").trim();
}

function copy(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE) continue;
    const name = node.tagName.toUpperCase();
    if (DROPPED.has(name)) continue;
    if (KEPT.has(name)) {
      const kept = document.createElement(name);
      copy(node, kept);
      to.append(kept);
    } else copy(node, to);
  }
}
