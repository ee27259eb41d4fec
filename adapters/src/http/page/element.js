// One element as one viewer sees it: a table of its fields. Those that the other viewer sees differently are marked.

import { el, flash } from "./dom.js";
import { plainText } from "./richtext.js";
import { t } from "./texts.js";

const TEXT_MAX = 600;

export function elementCard(viewer, collection, id) {
  const body = el("tbody", {});
  const table = el("table", {}, el("caption", { class: "visually-hidden" }, `${viewer.name()}: ${collection}:${id}`), body);
  const veil = el("p", { class: "veil" }, t("hidden"));
  const node = el("div", { class: `card ${viewer.side}` }, veil, table);
  const fields = new Map();

  function draw(element, other, isTouched) {
    veil.hidden = Boolean(element);
    table.hidden = !element;
    if (!element) return;
    const all = [...new Set([...Object.keys(element), ...Object.keys(other ?? {})])];
    const differs = (name) => Boolean(other) && JSON.stringify(element[name]) !== JSON.stringify(other[name]);
    // Fields that differ come first, in the same order in both columns.
    const names = [...all.filter(differs).sort(), ...all.filter((name) => !differs(name)).sort()];
    for (const [name, field] of fields) if (!names.includes(name)) { field.row.remove(); fields.delete(name); }
    names.forEach((name, place) => {
      const field = fields.get(name) ?? add(name);
      if (body.children[place] !== field.row) body.insertBefore(field.row, body.children[place]);
      const text = name in element ? valueText(element[name], name, viewer) : t("fieldHidden");
      if (field.value.textContent !== text) {
        if (isTouched && field.value.textContent !== "") flash(field.row);
        field.value.textContent = text;
      }
      field.row.className = !(name in element) ? "missing" : differs(name) ? "differs" : "";
    });
  }

  function add(name) {
    const value = el("td", {});
    const row = el("tr", {}, el("th", { scope: "row" }, name), value);
    fields.set(name, { row, value });
    return fields.get(name);
  }

  return { node, draw };
}

function valueText(value, name, viewer) {
  if (value === null || value === "") return "–";
  if (typeof value === "string") return short(/<\/?[a-z]/i.test(value) ? plainText(value) : value);
  if (name.endsWith("user_id") || name === "vote_delegated_to_id") {
    const user = viewer.meeting.userName(value);
    return user ? `${value} (${user})` : `${value}`;
  }
  if (name === "groups_id" && Array.isArray(value)) {
    return value.map((id) => viewer.meeting.get("users/group", id)?.name ?? id).join(", ") || "–";
  }
  if (Array.isArray(value) && value.every((entry) => typeof entry !== "object")) return short(value.join(", ")) || "–";
  if (Array.isArray(value)) return short(value.map((entry) => objectText(entry, viewer)).join("\n"));
  return typeof value === "object" ? short(objectText(value, viewer)) : String(value);
}

/** An object on one line, without empty fields. */
function objectText(value, viewer) {
  if (typeof value !== "object" || value === null) return String(value);
  const isFilled = ([, part]) => part !== null && part !== "" && part !== false;
  return `• ${Object.entries(value).filter(isFilled).map(([name, part]) => `${name}: ${valueText(part, name, viewer).replaceAll("\n", " ")}`).join(" · ")}`;
}

function short(text) {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)} …` : text;
}
