// Renders slides from the data that `/system/projector` sends. Unknown slides are shown as a table.

import { el } from "./dom.js";
import { richText } from "./richtext.js";
import { language, number, t } from "./texts.js";

const SLIDES = {
  "agenda/item-list": (data) => [heading("Agenda"), el("ol", { class: "agenda" }, (data.items ?? []).map((item) =>
    el("li", { class: `depth-${Math.min(item.depth ?? 0, 4)}` }, titleText(item.title_information))))],
  "agenda/list-of-speakers": speakers,
  "agenda/current-list-of-speakers": speakers,
  "agenda/current-list-of-speakers-overlay": speakers,
  "agenda/current-speaker-chyron": (data) => data.current_speaker_name
    ? el("p", { class: "chyron" }, el("b", {}, data.current_speaker_name), data.current_speaker_level ? ` ${data.current_speaker_level}` : "") : null,
  "assignments/assignment": (data) => [heading(data.title), rich(data.description), el("p", { class: "muted" }, t("candidates")),
    el("ul", {}, (data.assignment_related_users ?? []).map((user) => el("li", {}, user.user)))],
  "assignments/assignment-poll": (data) => [heading(data.assignment?.title), el("p", {}, data.poll?.title),
    poll(data.poll, (data.poll?.options ?? []).map((option) => [option.user?.short_name || "–", option]))],
  "core/clock": () => el("p", { class: "clock", "data-clock": "" }, clockText()),
  "core/countdown": (data) => el("p", { class: "countdown", "data-running": data.running ? "yes" : "no", "data-time": `${data.countdown_time}`, "data-warning": `${data.warning_time ?? 0}` },
    el("span", { class: "muted" }, data.description), el("b", {}, countdownText(data.running, data.countdown_time))),
  "core/projector-message": (data) => el("div", { class: "message" }, rich(data.message)),
  "mediafiles/mediafile": (data) => [heading(t("file")), el("p", {}, `${data.path} (${data.mimetype})`)],
  "motions/motion": motion,
  "motions/motion-block": (data) => [heading(data.title), el("ul", {}, (data.motions ?? []).map((entry) =>
    el("li", {}, named(entry), entry.recommendation ? el("span", { class: "badge" }, entry.recommendation.name) : null)))],
  "motions/motion-poll": (data) => [heading(named(data.motion ?? {})), el("p", {}, data.poll?.title),
    poll(data.poll, (data.poll?.options ?? []).map((option) => ["", option]))],
  "topics/topic": (data) => [heading([data.item_number, data.title].filter(Boolean).join(" ")), rich(data.text)],
  "users/user": (data) => heading(data.user),
};

/** Creates the node for one slide. */
export function slideNode({ data, element }) {
  const name = element?.name ?? "";
  const node = el("div", { class: `slide ${name.replace(/\W+/g, "-")}` });
  if (data?.error) node.append(el("p", { class: "error" }, data.error));
  else {
    const content = Object.hasOwn(SLIDES, name) ? SLIDES[name](data ?? {}) : table(data);
    node.append(...[content].flat().filter(Boolean));
  }
  node.hidden = !node.hasChildNodes();
  return node;
}

/** Updates clocks and countdowns. */
export function tick(root) {
  for (const node of root.querySelectorAll("[data-clock]")) node.textContent = clockText();
  for (const node of root.querySelectorAll(".countdown")) {
    const { running, time, warning } = node.dataset;
    const left = running === "yes" ? Number(time) - Date.now() / 1000 : Number(time);
    node.querySelector("b").textContent = countdownText(running === "yes", Number(time));
    node.dataset.state = left < 0 ? "over" : left <= Number(warning) ? "soon" : "";
  }
}

function clockText() {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }).format(new Date());
}

function countdownText(isRunning, time) {
  const seconds = Math.round(isRunning ? time - Date.now() / 1000 : time);
  const absolute = Math.abs(seconds);
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(absolute / 3600);
  const minutes = Math.floor(absolute / 60) % 60;
  return `${seconds < 0 ? "−" : ""}${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(absolute % 60)}`;
}

function speakers(data) {
  if (!data.waiting) return null;
  const entry = (speaker) => el("li", {}, speaker.user, speaker.point_of_order ? el("span", { class: "badge" }, "!") : null,
    speaker.pro_speech === null || speaker.pro_speech === undefined ? null : el("span", { class: "badge" }, speaker.pro_speech ? "+" : "−"));
  return [
    heading(titleText(data.title_information ?? {})),
    data.current ? el("p", { class: "speaking" }, el("span", { class: "muted" }, t("current")), el("b", {}, data.current.user)) : null,
    data.waiting.length > 0 ? el("ol", {}, data.waiting.map(entry)) : data.current ? null : el("p", { class: "muted" }, t("noSpeakers")),
    data.finished.length > 0 ? el("ul", { class: "finished" }, data.finished.map(entry)) : null,
    data.closed ? el("p", { class: "muted" }, t("closedList")) : null,
  ];
}

function motion(data) {
  return [
    heading(named(data)),
    data.show_meta_box ? el("p", { class: "muted" }, `${t("submitters")}: ${(data.submitters ?? []).join(", ")}`) : null,
    data.preamble && data.text ? el("p", { class: "muted" }, data.preamble) : null,
    rich(data.mode === "final" && data.modified_final_version ? data.modified_final_version : data.text),
    ...(data.amendment_paragraphs ?? []).filter(Boolean).map(rich),
    data.reason ? [el("h4", {}, t("reason")), rich(data.reason)] : null,
    data.recommendation ? el("p", {}, `${t("recommendation")}: `, el("span", { class: "badge" }, data.recommendation), data.recommendation_extension ? ` ${data.recommendation_extension}` : "") : null,
    list(t("amendments"), data.amendments),
    list(t("referring"), data.recommendation_referencing_motions),
  ].flat();
}

function list(title, motions) {
  return motions?.length > 0 ? [el("h4", {}, title), el("ul", {}, motions.map((entry) => el("li", {}, named(entry))))] : null;
}

function poll(data = {}, options) {
  const states = { 1: "created", 2: "started", 3: "finishedPoll", 4: "published" };
  const values = ["yes", "no", "abstain"];
  // A bar shows the share of the valid votes, or, if their number is unknown, of the largest result.
  const whole = Math.max(1, Number(data.votesvalid) || 0, ...options.flatMap(([, option]) => values.map((value) => Number(option[value]) || 0)));
  const isPublished = data.state === 4;
  return el("div", { class: "poll" },
    el("p", { class: "badge" }, t(states[data.state] ?? "state")),
    isPublished ? null : el("p", { class: "muted" }, t("notPublished")),
    options.map(([name, option]) => el("div", { class: "option" }, name ? el("b", {}, name) : null,
      isPublished ? values.filter((value) => typeof option[value] === "number").map((value) => {
        const bar = el("span", { class: `bar-fill ${value}` });
        bar.style.setProperty("inline-size", `${(100 * option[value]) / whole}%`);
        return el("div", { class: "result" }, el("span", {}, t(value)), el("span", { class: "track" }, bar), el("b", {}, number(option[value])));
      }) : null)),
    isPublished ? el("p", { class: "muted" }, ["valid", "invalid", "cast"].map((name) => `${t(name)} ${number(Number(data[`votes${name}`]) || 0)}`).join(" · ")) : null);
}

function table(data) {
  return el("table", {}, el("tbody", {}, Object.entries(data ?? {}).map(([name, value]) =>
    el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, typeof value === "string" ? value : JSON.stringify(value))))));
}

function heading(text) {
  return el("h3", {}, text ?? "");
}

function rich(text) {
  return text ? el("div", { class: "rich" }, richText(text)) : null;
}

function named({ identifier, title }) {
  return [identifier, title].filter(Boolean).join(" · ");
}

function titleText(information = {}) {
  return [information._agenda_item_number ?? information.agenda_item_number, information.identifier, information.title].filter(Boolean).join(" ");
}
