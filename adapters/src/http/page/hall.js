// The hall: what the projectors show, as the audience sees it.

import { el, flash, oncePerFrame } from "./dom.js";
import { slideNode, tick } from "./slides.js";
import { Stream } from "./stream.js";
import { t } from "./texts.js";

const PROJECTORS_MAX = 12;

export function hallPanel(viewer) {
  const screens = new Map(); // id → { node, stage, slides }
  const grid = el("div", { class: "screens" });
  const empty = el("p", { class: "muted" }, t("noProjectors"));
  const node = el("div", { class: "hall" }, empty, grid);
  let ids = "";
  let stream = null;
  let isShown = false;

  const follow = () => {
    const present = [...(viewer.meeting.collections.get("core/projector")?.keys() ?? [])].slice(0, PROJECTORS_MAX);
    empty.hidden = present.length > 0;
    if (present.join() !== ids) {
      ids = present.join();
      stream?.close();
      stream = null;
      viewer.projector = null;
      for (const [id, screen] of screens) if (!present.includes(id)) { screen.node.remove(); screens.delete(id); }
      if (ids) open();
    }
    color();
  };
  const refresh = oncePerFrame(follow);
  const watch = () => viewer.meeting.listeners.add(refresh);
  viewer.resetListeners.add(() => { watch(); ids = ""; refresh(); });
  watch();

  function open() {
    stream = new Stream({
      name: "projector",
      address: () => viewer.address(`projector?projector_ids=${ids}`),
      onLine: (line) => {
        for (const [id, slides] of Object.entries(line.data)) draw(Number(id), slides ?? []);
      },
    });
    viewer.projector = stream;
  }

  function draw(id, slides) {
    if (!screens.has(id)) {
      const stage = el("div", { class: "stage" });
      const title = el("h2", {});
      const node = el("article", { class: "screen" }, title, stage);
      screens.set(id, { node, stage, title, slides: [] });
      const following = [...screens.keys()].filter((other) => other > id).sort((a, b) => a - b)[0];
      grid.insertBefore(node, following ? screens.get(following).node : null);
    }
    const screen = screens.get(id);
    const texts = slides.map((slide) => JSON.stringify(slide));
    screen.stage.replaceChildren(...slides.map((slide, index) => {
      const known = screen.slides.find((old) => old.text === texts[index] && !old.isUsed);
      if (known) { known.isUsed = true; return known.node; }
      const made = slideNode(slide);
      if (screen.slides.length > 0) flash(made);
      screen.slides.push({ text: texts[index], node: made, isUsed: true });
      return made;
    }));
    if (slides.length === 0) screen.stage.append(el("p", { class: "muted" }, t("emptySlide")));
    screen.slides = screen.slides.filter((slide) => slide.isUsed);
    screen.slides.forEach((slide) => { slide.isUsed = false; });
    color();
  }

  function color() {
    for (const [id, { stage, title }] of screens) {
      const projector = viewer.meeting.get("core/projector", id) ?? {};
      title.textContent = projector.name ?? `${id}`;
      const set = (name, value) => /^#[0-9a-f]{3,8}$/i.test(value ?? "") && stage.style.setProperty(name, value);
      set("--stage", projector.background_color);
      set("--ink", projector.color);
      set("--head", projector.header_background_color);
      set("--head-ink", projector.header_font_color);
      set("--h1", projector.header_h1_color);
    }
  }

  setInterval(() => isShown && tick(node), 250);
  return { node, shown(value) { isShown = value; } };
}
