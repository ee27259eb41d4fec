// Explain: why does somebody see an element, or not? The service only answers superadmins.

import { el } from "./dom.js";
import { t } from "./texts.js";

const SUPERADMINS = 2;

/** The panel asks with the session of a viewer who is a superadmin, if there is one. */
export function explainPanel(viewers) {
  const user = el("input", { id: "explain-user", inputmode: "numeric", required: true, list: "explain-users", autocomplete: "off" });
  const users = el("datalist", { id: "explain-users" });
  const key = el("input", { id: "explain-key", required: true, placeholder: "motions/motion:3", autocomplete: "off", spellcheck: "false" });
  const answer = el("div", { class: "explanation", role: "status", "aria-live": "polite" });
  const form = el("form", { class: "ask", onsubmit: ask },
    el("label", { for: "explain-user" }, t("explainUser")), user, users,
    el("label", { for: "explain-key" }, t("explainKey")), key,
    el("button", { type: "submit" }, t("explain")));
  const node = el("div", { class: "panel" }, el("p", { class: "muted" }, t("explainLead")), form, answer);

  async function ask(event) {
    event.preventDefault();
    const asking = viewers.find(isSuperadmin) ?? viewers[0];
    const question = new URLSearchParams({ user: user.value.trim() === t("anonymous") ? "0" : user.value.trim(), key: key.value.trim() });
    try {
      const response = await fetch(asking.address(`inspector/explain?${question}`), { cache: "no-store" });
      const body = await response.json();
      if (!response.ok) return show("refused", [response.status === 403 ? t("explainRefused") : body.error.msg]);
      show(body.verdict, body.lines);
    } catch (error) {
      show("refused", [error.message]);
    }
  }

  function show(verdict, [first, ...rest]) {
    answer.className = `explanation ${verdict}`;
    const lines = rest.map((line) => {
      const answered = /\? (yes|no)\b/.exec(line)?.[1] ?? "";
      return el("li", { class: `${line.startsWith("  ") ? "detail" : ""} ${answered}` }, withCode(line.trim()));
    });
    answer.replaceChildren(el("p", {}, el("strong", {}, first)), el("ul", {}, lines));
  }

  function offerUsers() {
    const { meeting } = viewers.find(isSuperadmin) ?? viewers[0];
    const all = [...(meeting.collections.get("users/user")?.values() ?? [])];
    users.replaceChildren(...all.map(({ id }) => el("option", { value: `${id}` }, meeting.userName(id))));
  }

  return { node, shown: (isShown) => isShown && offerUsers() };
}

/** Turns text between backticks, which is the name of a field, into code. */
function withCode(line) {
  return line.split("`").map((part, index) => (index % 2 === 1 ? el("code", {}, part) : part));
}

function isSuperadmin(viewer) {
  return viewer.meeting.get("users/user", viewer.userId())?.groups_id?.includes(SUPERADMINS) ?? false;
}
