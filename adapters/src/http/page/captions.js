// Captions that say when somebody's permissions changed, and what that showed or hid.

import { splitKey } from "./meeting.js";
import { flash } from "./dom.js";
import { number, t } from "./texts.js";

const SHOWN_MS = 9000;

export function captions(viewers, node) {
  let hide = 0;
  const say = (text) => {
    node.textContent = text;
    node.classList.add("shown");
    flash(node);
    clearTimeout(hide);
    hide = setTimeout(() => node.classList.remove("shown"), SHOWN_MS);
  };
  for (const viewer of viewers) {
    const watch = () => viewer.meeting.listeners.add((news) => {
      const text = rightsChange(news) ;
      if (!text) return;
      const seen = effect(viewer, news);
      if (viewer === viewers[0] || seen) say([text, seen].filter(Boolean).join(" — "));
    });
    viewer.resetListeners.add(watch);
    watch();
  }
}

function rightsChange({ changed, isFirst }) {
  if (isFirst) return "";
  const texts = changed.filter(({ key, before }) => before && splitKey(key)[0] === "users/group").flatMap(({ before, after }) => {
    const [had, has] = [before.permissions ?? [], after.permissions ?? []];
    const gained = has.filter((permission) => !had.includes(permission));
    const lost = had.filter((permission) => !has.includes(permission));
    return [
      gained.length > 0 && t("gained", { group: after.name, permissions: gained.join(", ") }),
      lost.length > 0 && t("lost", { group: after.name, permissions: lost.join(", ") }),
    ].filter(Boolean);
  });
  return texts.join(" · ");
}

function elements(count) {
  return `${number(count)} ${t(count === 1 ? "element" : "elements")}`;
}

function effect(viewer, { changed, deleted }) {
  const appeared = changed.filter(({ before }) => !before).length;
  return [
    appeared > 0 && t("sideGained", { who: viewer.name(), count: elements(appeared) }),
    deleted.length > 0 && t("sideLost", { who: viewer.name(), count: elements(deleted.length) }),
  ].filter(Boolean).join(", ");
}
