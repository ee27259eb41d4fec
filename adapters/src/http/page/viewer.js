// One viewer: a session through which the page sees the meeting, with its streams.

import { Meeting } from "./meeting.js";
import { Stream } from "./stream.js";
import { t } from "./texts.js";

/**
 * A viewer that can switch to another session: panels keep the object, and `resetListeners` are notified of the switch.
 *
 * In the demo a viewer is one of its sessions, and its requests begin with `/as/<session>`. In a real meeting there is
 * one viewer, the session that opened the page, with the same requests as the web client.
 */
export class Viewer {
  constructor(side, session) {
    this.side = side;
    this.resetListeners = new Set();
    this.messageListeners = new Set();
    this.choose(session);
  }

  choose(session) {
    this.streams?.forEach((stream) => stream.close());
    this.session = session;
    this.meeting = new Meeting();
    this.channelId = null;
    this.data = new Stream({
      name: "autoupdate",
      address: () => this.address(`autoupdate?change_id=${this.meeting.changeId}`),
      onLine: (line) => this.meeting.apply(line),
    });
    this.notify = new Stream({ name: "notify", address: () => this.address("notify"), onLine: (line) => this.take(line) });
    this.streams = [this.data, this.notify];
    this.resetListeners.forEach((listener) => listener());
  }

  address(route) {
    return `${this.session ? `/as/${this.session}` : ""}/system/${route}`;
  }

  name() {
    return this.session || t("yourself");
  }

  /** The user id in the viewer's channel id; 0 is anonymous. */
  userId() {
    return Number(this.channelId?.split(":")[1] ?? 0);
  }

  take(line) {
    if (line.channel_id) this.channelId = line.channel_id;
    else this.messageListeners.forEach((listener) => listener(line));
  }

  /** Sends a message; resolves to whether the service accepted it. */
  async send(name, message, receivers) {
    const body = JSON.stringify({ channel_id: this.channelId, name, message, ...receivers });
    return (await fetch(this.address("notify/send"), { method: "POST", body })).ok;
  }

  async applaud() {
    return (await fetch(this.address("applause"), { method: "POST" })).ok;
  }
}
