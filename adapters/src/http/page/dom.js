// Helpers to build the page. Data from the meeting goes through `el` as text, never as markup.

/**
 * Creates an element: `el("p", {class: "note", onclick: f}, "text", child, …)`.
 * Attributes whose value is null or false are left out; functions become event listeners.
 */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Creates an SVG element. */
export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Returns a function that runs `work` before the next frame, once however often it is called until then. */
export function oncePerFrame(work) {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      work();
    });
  };
}

/** Highlights a changed node for a moment. */
export function flash(node, name = "flash") {
  node.classList.remove(name);
  void node.offsetWidth; // Forces a layout without the class, because otherwise the animation would not restart.
  node.classList.add(name);
}
