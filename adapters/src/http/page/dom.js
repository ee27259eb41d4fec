// Small helpers to build the page. Whatever comes from the meeting goes through `el` as text, never as markup.

/**
 * Makes an element: `el("p", {class: "note", onclick: f}, "text", child, …)`.
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

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Runs `work` before the next frame is drawn, once however often it is asked for until then. */
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

/** Shows for a moment that something changed. */
export function flash(node, name = "flash") {
  node.classList.remove(name);
  void node.offsetWidth; // The animation begins anew only if the browser saw the element without it.
  node.classList.add(name);
}
