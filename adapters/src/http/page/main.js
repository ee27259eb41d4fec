// The page: two viewers, and a tab for each view of the meeting.

import { captions } from "./captions.js";
import { el } from "./dom.js";
import { explainPanel } from "./explain.js";
import { hallPanel } from "./hall.js";
import { sidePanel } from "./side.js";
import { language, t } from "./texts.js";
import { Viewer } from "./viewer.js";
import { voicesPanel } from "./voices.js";
import { wirePanel } from "./wire.js";

document.documentElement.lang = language;
document.querySelectorAll("[data-text]").forEach((node) => node.append(t(node.dataset.text)));

const sessions = document.body.dataset.viewers.split(" ").filter(Boolean);
const viewers = sessions.length > 0
  ? [new Viewer("left", sessions[0]), new Viewer("right", sessions.includes("delegate") ? "delegate" : sessions[1])]
  : [new Viewer("left", "")];

const panels = [
  ["side", sidePanel(viewers, sessions)],
  ["hall", hallPanel(viewers[0])],
  ["voices", voicesPanel(viewers)],
  ["wire", wirePanel(viewers)],
  ["explain", explainPanel(viewers)],
];
captions(viewers, document.getElementById("caption"));

const tabs = panels.map(([name, panel]) => {
  const section = el("section", { id: `panel-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}` }, panel.node);
  document.getElementById("main").append(section);
  const tab = el("button", { id: `tab-${name}`, role: "tab", type: "button", "aria-controls": section.id, onclick: () => show(name) }, t(name));
  document.getElementById("tabs").append(tab);
  return { name, tab, section, panel };
});

document.getElementById("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const now = tabs.findIndex(({ tab }) => tab.getAttribute("aria-selected") === "true");
  const next = tabs[(now + step + tabs.length) % tabs.length];
  show(next.name);
  next.tab.focus();
});

function show(name) {
  for (const { name: other, tab, section, panel } of tabs) {
    const isShown = other === name;
    tab.setAttribute("aria-selected", isShown);
    tab.tabIndex = isShown ? 0 : -1;
    section.hidden = !isShown;
    panel.shown?.(isShown);
  }
  history.replaceState(null, "", `#${name}`);
}

const asked = location.hash.slice(1);
show(tabs.some(({ name }) => name === asked) ? asked : "side");
