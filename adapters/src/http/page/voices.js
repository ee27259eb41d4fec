// Voices: who is present, messages between clients, and applause.

import { el, flash, oncePerFrame } from "./dom.js";
import { number, t } from "./texts.js";

const MESSAGES_MAX = 100;
const PRESENT_MAX = 40;

export function voicesPanel(viewers) {
  const log = el("ol", { class: "log", "aria-live": "polite" });
  const empty = el("p", { class: "muted" }, t("noMessages"));
  const present = el("div", { class: "people" });
  const presentTitle = el("h2", {});
  const fill = el("span", {});
  const meter = el("div", { class: "meter", role: "meter", "aria-label": t("applause"), "aria-valuemin": "0", "aria-valuenow": "0" }, fill);
  const level = el("p", { class: "muted", role: "status" });

  const as = el("select", { id: "send-as" }, viewers.map((viewer, index) => el("option", { value: `${index}` }, viewer.name())));
  const to = el("select", { id: "send-to", "aria-label": t("send") }, el("option", { value: "all" }, t("toAll")),
    viewers.length > 1 ? el("option", { value: "other" }, t("toOther")) : null);
  const text = el("input", { id: "send-text", required: true, maxlength: "500", autocomplete: "off" });
  const failure = el("p", { class: "error", role: "alert" });
  const form = el("form", { onsubmit: send }, el("label", { for: "send-as" }, t("sendAs")), as, to,
    el("label", { for: "send-text" }, t("message")), text, el("button", { type: "submit" }, t("send")), failure);
  const clap = el("div", { class: "claps" }, viewers.map((viewer) => {
    const button = el("button", { type: "button", class: "clap", onclick: async () => {
      flash(button, "clapped");
      level.textContent = (await viewer.applaud()) ? level.textContent : t("needsLogin");
    } });
    viewer.resetListeners.add(() => label(button, viewer));
    label(button, viewer);
    return button;
  }));

  const node = el("div", { class: "voices" },
    el("div", { class: "panel" }, el("h2", {}, t("messages")), form, empty, log),
    el("div", { class: "panel" }, el("h2", {}, t("applause")), clap, meter, level, presentTitle, present));

  async function send(event) {
    event.preventDefault();
    const viewer = viewers[Number(as.value)];
    const other = viewers[1 - Number(as.value)];
    const receivers = to.value === "all" ? { to_all: true } : { to_channels: [other?.channelId].filter(Boolean) };
    const isSent = await viewer.send("inspector", { text: text.value }, receivers);
    failure.textContent = isSent ? "" : t("needsLogin");
    if (isSent) text.value = "";
  }

  function take(viewer, line) {
    if (line.name === "applause") return viewer === viewers[0] && applause(line.message);
    if (line.name.startsWith("inspector-")) return;
    empty.hidden = true;
    const sender = viewer.meeting.userName(line.sender_user_id) ?? `${line.sender_user_id}`;
    const content = typeof line.message?.text === "string" ? line.message.text : JSON.stringify(line.message);
    log.prepend(el("li", { class: `arrived ${viewer.side}` }, el("span", { class: "muted" }, `${viewer.name()} ← ${sender} · ${line.name}`), el("span", {}, content)));
    while (log.children.length > MESSAGES_MAX) log.lastChild.remove();
  }

  function applause({ level: count, presentUsers }) {
    const share = presentUsers > 0 ? Math.min(1, count / presentUsers) : 0;
    fill.style.setProperty("inline-size", `${100 * share}%`);
    meter.setAttribute("aria-valuenow", `${count}`);
    meter.setAttribute("aria-valuemax", `${Math.max(presentUsers, count, 1)}`);
    level.textContent = t("applauseOf", { level: number(count), present: number(presentUsers) });
  }

  const drawPeople = oncePerFrame(() => {
    const { meeting } = viewers[0];
    const users = [...(meeting.collections.get("users/user")?.values() ?? [])].filter((user) => user.is_present);
    presentTitle.textContent = `${number(users.length)} ${t("present")}`;
    present.replaceChildren(...users.slice(0, PRESENT_MAX).map((user) => el("span", { class: "person" }, meeting.userName(user.id))));
  });

  viewers.forEach((viewer, index) => {
    viewer.messageListeners.add((line) => take(viewer, line));
    viewer.resetListeners.add(() => { as.options[index].textContent = viewer.name(); });
  });
  const watch = () => viewers[0].meeting.listeners.add(drawPeople);
  viewers[0].resetListeners.add(() => { watch(); drawPeople(); });
  watch();
  return { node };
}

function label(button, viewer) {
  button.textContent = `👏 ${t("applaud")}: ${viewer.name()}`;
}
