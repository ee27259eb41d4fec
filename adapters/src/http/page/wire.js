// The wire: what the streams carry, how long changes take to reach the screen, and what happens when a connection is cut.

import { el, svg } from "./dom.js";
import { number, t } from "./texts.js";

const PING_MS = 2000;
const POINTS_MAX = 60;
const DRAW_MS = 500;
const PING = "inspector-ping";

export function wirePanel(viewers) {
  const cards = new Map(); // stream → card
  const list = el("div", { class: "streams" });
  const roundTrips = plot("roundTrip");
  const paints = plot("painted");
  let isShown = false;
  const node = el("div", { class: "wire" },
    el("div", { class: "plots" }, roundTrips.node, paints.node),
    el("p", { class: "muted" }, t("roundTripNote")), list);

  for (const viewer of viewers) {
    viewer.messageListeners.add((line) => {
      if (line.name !== PING || line.sender_channel_id !== viewer.channelId) return;
      afterPaint((now) => roundTrips.add(now - line.message.sent));
    });
    const watch = () => viewer.meeting.listeners.add(() => {
      const arrived = performance.now();
      afterPaint((now) => paints.add(now - arrived));
    });
    viewer.resetListeners.add(watch);
    watch();
  }
  setInterval(() => {
    const viewer = viewers.find((viewer) => viewer.userId() > 0);
    if (isShown && viewer?.channelId && !document.hidden) viewer.send(PING, { sent: performance.now() }, { to_channels: [viewer.channelId] });
  }, PING_MS);
  setInterval(() => isShown && draw(), DRAW_MS);

  function draw() {
    const streams = viewers.flatMap((viewer) => [...viewer.streams, viewer.projector].filter(Boolean).map((stream) => [viewer, stream]));
    for (const [stream, card] of cards) if (!streams.some(([, other]) => other === stream)) { card.node.remove(); cards.delete(stream); }
    for (const [viewer, stream] of streams) {
      if (!cards.has(stream)) {
        cards.set(stream, streamCard(viewer, stream));
        list.append(cards.get(stream).node);
      }
      cards.get(stream).draw();
    }
    roundTrips.draw();
    paints.draw();
  }

  return { node, shown(value) { isShown = value; if (value) draw(); } };
}

function streamCard(viewer, stream) {
  const state = el("span", { class: "state", role: "status" });
  const values = el("dl", {});
  const raw = el("pre", { tabindex: "0" });
  const details = el("details", {}, el("summary", {}, t("raw")), raw);
  details.addEventListener("toggle", () => draw());
  const cut = el("button", { type: "button", onclick: () => stream.cut() }, t("cut"));
  const node = el("article", { class: "stream" }, el("h2", {}, `${viewer.name()} · ${stream.name}`, state), values, cut, details);
  const cells = new Map();

  function set(name, value) {
    if (!cells.has(name)) {
      const cell = el("dd", {});
      cells.set(name, cell);
      values.append(el("div", {}, el("dt", {}, t(name)), cell));
    }
    if (cells.get(name).textContent !== value) cells.get(name).textContent = value;
  }

  function draw() {
    const note = stream.error || (stream.reconnectMs !== null && stream.state === "open" ? t("backAfter", { ms: Math.round(stream.reconnectMs) }) : "");
    state.textContent = [t(stream.state), note].filter(Boolean).join(" · ");
    state.dataset.state = stream.state;
    set("protocol", protocol());
    set("compression", stream.encoding && stream.encoding !== "identity" ? stream.encoding : t("none"));
    set("lines", number(stream.lines));
    set("bytes", number(stream.bytes));
    if (stream.name === "autoupdate") {
      set("changeId", `${viewer.meeting.changeId}`);
      set("skipped", number(viewer.meeting.changesSkipped));
    }
    set("reconnects", number(stream.reconnects));
    if (details.open) raw.textContent = stream.lastLines.join("\n");
  }

  return { node, draw };
}

/** The protocol that the page was loaded with; the streams use the same connections. */
function protocol() {
  const [entry] = performance.getEntriesByType("navigation");
  return { h2: "HTTP/2", h3: "HTTP/3", "http/1.1": "HTTP/1.1" }[entry?.nextHopProtocol] ?? entry?.nextHopProtocol ?? "";
}

function afterPaint(callback) {
  requestAnimationFrame(() => setTimeout(() => callback(performance.now())));
}

function plot(name) {
  const points = [];
  const line = svg("polyline", { class: "plot-line", fill: "none" });
  const drawing = svg("svg", { viewBox: "0 0 300 80", role: "img", "aria-label": t(name), preserveAspectRatio: "none" }, line);
  const summary = el("b", {});
  const node = el("figure", { class: "plot" }, el("figcaption", {}, t(name), " ", summary), drawing);
  return { node, add(value) {
    points.push(value);
    if (points.length > POINTS_MAX) points.shift();
  }, draw() {
    if (points.length === 0) return;
    const most = Math.max(...points, 20);
    line.setAttribute("points", points.map((value, index) => `${(300 * index) / (POINTS_MAX - 1)},${78 - (74 * value) / most}`).join(" "));
    const median = [...points].sort((a, b) => a - b)[Math.floor(points.length / 2)];
    summary.textContent = t("median", { ms: median < 10 ? median.toFixed(1) : Math.round(median) });
    drawing.setAttribute("aria-label", `${t(name)}: ${summary.textContent}`);
  } };
}
