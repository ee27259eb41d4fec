// Side by side: the collections with their counts, and the elements of one of them, as each of two viewers sees them.

import { el, flash, oncePerFrame } from "./dom.js";
import { elementCard } from "./element.js";
import { splitKey, titleOf } from "./meeting.js";
import { number, t } from "./texts.js";

const ROWS_AT_FIRST = 60;
const GONE_MS = 700;

export function sidePanel(viewers, sessions) {
  let chosen = "motions/motion";
  let rowsMax = ROWS_AT_FIRST;
  let isShown = true;
  const counts = new Map(); // collection → { row, cells }
  const rows = new Map(); // id → row
  const touched = new Set();

  const heads = viewers.map((viewer) => viewerHead(viewer, sessions));
  const filter = el("input", { type: "search", placeholder: t("filter"), "aria-label": t("filter"), oninput: () => refresh() });
  const onlyDifferences = el("input", { type: "checkbox", id: "only-differences", onchange: () => refresh() });
  // For the eyes only: each count says whose it is by itself.
  const countHeads = viewers.map(() => el("b", {}));
  const list = el("div", { class: "collections", role: "group", "aria-label": t("allCollections") },
    el("div", { class: "count-heads", "aria-hidden": "true" }, el("span", {}, t("collection")), countHeads));
  const title = el("h2", {});
  const summary = el("p", { class: "muted", role: "status" });
  const grid = el("div", { class: "rows" });
  const more = el("button", { type: "button", class: "quiet", onclick: () => { rowsMax *= 4; refresh(); } }, t("showMore"));
  const node = el("div", { class: `side sides-${viewers.length}` },
    el("div", { class: "heads" }, heads.map((head) => head.node)),
    el("div", { class: "columns" },
      el("aside", {}, list),
      el("div", { class: "elements" },
        el("div", { class: "bar" }, title, filter,
          viewers.length > 1 ? el("label", { class: "check", for: "only-differences" }, onlyDifferences, t("onlyDifferences")) : null),
        summary, grid, more)));

  const refresh = oncePerFrame(() => {
    if (!isShown) return;
    heads.forEach((head) => head.draw());
    drawCounts();
    drawRows();
    touched.clear();
  });
  for (const viewer of viewers) {
    const watch = () => viewer.meeting.listeners.add(({ changed, deleted, isFirst }) => {
      if (!isFirst) for (const key of [...changed.map(({ key }) => key), ...deleted]) touched.add(`${viewer.side} ${key}`);
      refresh();
    });
    viewer.resetListeners.add(() => { watch(); refresh(); });
    watch();
  }

  function names() {
    const all = new Set(viewers.flatMap((viewer) => [...viewer.meeting.collections.keys()]));
    return [...all].filter((name) => viewers.some((viewer) => viewer.meeting.count(name) > 0) || counts.has(name)).sort();
  }

  function drawCounts() {
    viewers.forEach((viewer, index) => { countHeads[index].textContent = viewer.name(); });
    for (const name of names()) {
      if (!counts.has(name)) {
        const cells = viewers.map(() => el("b", {}));
        const row = el("button", { type: "button", onclick: () => choose(name) }, el("span", {}, name.split("/")[0], "/", el("wbr"), name.split("/")[1]), cells);
        counts.set(name, { row, cells });
        const following = [...counts.keys()].filter((other) => other > name).sort()[0];
        list.insertBefore(row, following ? counts.get(following).row : null);
      }
      const { row, cells } = counts.get(name);
      const values = viewers.map((viewer) => viewer.meeting.count(name));
      row.classList.toggle("differs", new Set(values).size > 1);
      row.setAttribute("aria-pressed", name === chosen);
      viewers.forEach((viewer, index) => {
        const text = number(values[index]);
        if (cells[index].textContent && cells[index].textContent !== text) flash(cells[index]);
        cells[index].textContent = text;
        cells[index].title = `${viewer.name()}: ${text}`;
      });
      if ([...touched].some((key) => splitKey(key.split(" ")[1])[0] === name)) flash(row);
    }
  }

  function choose(name) {
    chosen = name;
    rowsMax = ROWS_AT_FIRST;
    rows.clear();
    grid.replaceChildren();
    refresh();
  }

  function drawRows() {
    title.textContent = chosen;
    const words = filter.value.toLowerCase();
    const ids = [...new Set(viewers.flatMap((viewer) => [...(viewer.meeting.collections.get(chosen)?.keys() ?? [])]))].sort((a, b) => a - b);
    const shown = ids.filter((id) => {
      const elements = viewers.map((viewer) => viewer.meeting.get(chosen, id));
      if (onlyDifferences.checked && viewers.length > 1 && isSame(elements)) return false;
      return !words || elements.some((element) => element && `${id} ${JSON.stringify(element)}`.toLowerCase().includes(words));
    });
    more.hidden = shown.length <= rowsMax;
    summary.textContent = shown.length > 0 ? "" : ids.length > 0 && onlyDifferences.checked ? t("noDifference") : t("nothing");
    const wanted = new Set(shown.slice(0, rowsMax));
    for (const [id, row] of rows) if (!wanted.has(id)) remove(id, row);
    let previous = null;
    for (const id of wanted) {
      const row = rows.get(id) ?? newRow(id);
      row.draw();
      const next = previous ? previous.nextSibling : grid.firstChild;
      if (row.node !== next) grid.insertBefore(row.node, next);
      previous = row.node;
    }
  }

  function remove(id, row) {
    rows.delete(id);
    row.node.classList.add("gone");
    setTimeout(() => row.node.remove(), GONE_MS);
  }

  function newRow(id) {
    const cards = viewers.map((viewer) => elementCard(viewer, chosen, id));
    const summaryLine = el("summary", {}, el("span", { class: "id" }, `${id}`), el("span", { class: "name" }), el("span", { class: "mark" }));
    const details = el("details", {}, summaryLine, el("div", { class: "cards" }, cards.map((card) => card.node)));
    const isNew = [...touched].some((key) => key.endsWith(` ${chosen}:${id}`));
    const node = el("div", { class: isNew ? "row arrived" : "row" }, details);
    details.addEventListener("toggle", () => row.draw());
    const collection = chosen;
    const row = { node, draw() {
      const elements = viewers.map((viewer) => viewer.meeting.get(collection, id));
      const seen = viewers.find((viewer) => viewer.meeting.get(collection, id));
      if (seen) summaryLine.children[1].textContent = titleOf(collection, seen.meeting.get(collection, id), seen.meeting);
      const mark = markOf(elements);
      summaryLine.children[2].textContent = mark.text;
      node.dataset.mark = mark.kind;
      viewers.forEach((viewer, index) => {
        const isTouched = touched.has(`${viewer.side} ${collection}:${id}`);
        if (details.open) cards[index].draw(elements[index], elements[1 - index], isTouched);
        if (isTouched) flash(summaryLine);
      });
    } };
    rows.set(id, row);
    return row;
  }

  function isSame(elements) {
    return JSON.stringify(elements[0]) === JSON.stringify(elements[1]);
  }

  function markOf(elements) {
    if (viewers.length < 2 || isSame(elements)) return { kind: "same", text: "" };
    const missing = elements.findIndex((element) => !element);
    if (missing >= 0) return { kind: missing === 0 ? "right" : "left", text: `${t("hidden")}: ${viewers[missing].name()}` };
    return { kind: "fields", text: t("differing") };
  }

  return { node, shown(value) { isShown = value; if (value) refresh(); } };
}

function viewerHead(viewer, sessions) {
  const select = el("select", { id: `viewer-${viewer.side}`, onchange: (event) => viewer.choose(event.target.value) },
    sessions.map((session) => el("option", { value: session, selected: session === viewer.session }, session)));
  const name = el("p", { class: "who" });
  const total = el("b", {});
  const node = el("div", { class: `head ${viewer.side}` },
    sessions.length > 0 ? [el("label", { for: select.id }, t("viewer")), select] : el("span", { class: "who" }, t("yourself")),
    name, el("p", { class: "total" }, total, ` ${t("elements")}`));
  return { node, draw() {
    const user = viewer.meeting.get("users/user", viewer.userId());
    const groups = (user?.groups_id ?? []).map((id) => viewer.meeting.get("users/group", id)?.name).filter(Boolean);
    const who = user ? viewer.meeting.userName(user.id) : t("anonymous");
    name.replaceChildren(who, el("span", { class: "muted" }, groups.join(", ")));
    total.textContent = number(viewer.meeting.total());
  } };
}
