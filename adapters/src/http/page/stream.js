// A stream of the service, read like the web client does: JSON lines, reconnecting after 0.5 s, then after 2 to 5 s.

const FIRST_RETRY_MS = 500;
const LATER_RETRY_MS = [2000, 5000];
const LINES_KEPT = 20;

/**
 * A stream that reconnects by itself.
 *
 * `address()` is called for each connection, since the address may carry the change id; `onLine(line)` is called with every
 * line with data, `onChange()` whenever the state or a counter changed.
 */
export class Stream {
  constructor({ name, address, onLine, onChange = () => {} }) {
    Object.assign(this, { name, address, onLine, onChange });
    this.state = "connecting"; // connecting, open, waiting, closed
    this.error = "";
    this.encoding = "";
    this.lines = 0;
    this.bytes = 0;
    this.reconnects = 0;
    this.reconnectMs = null; // How long the last interruption took.
    this.lastLines = [];
    this.failures = 0;
    this.interruptedAt = null;
    this.run();
  }

  /** Cuts the connection, as a network failure would; the stream reconnects. */
  cut() {
    this.abort?.abort();
  }

  /** Ends the stream for good. */
  close() {
    this.set("closed");
    this.abort?.abort();
  }

  set(state) {
    if (this.state !== "closed") this.state = state;
    this.onChange();
  }

  async run() {
    while (this.state !== "closed") {
      this.set("connecting");
      this.abort = new AbortController();
      try {
        await this.read();
      } catch (error) {
        if (error.name !== "AbortError") this.error = error.message;
      }
      if (this.state === "closed") return;
      this.interruptedAt ??= performance.now();
      this.set("waiting");
      const [least, most] = LATER_RETRY_MS;
      const wait = this.failures === 0 ? FIRST_RETRY_MS : least + Math.random() * (most - least);
      this.failures += 1;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  async read() {
    const response = await fetch(this.address(), { cache: "no-store", credentials: "same-origin", signal: this.abort.signal });
    if (!response.ok) throw new Error(await errorText(response));
    this.encoding = response.headers.get("content-encoding") ?? "";
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.bytes += value.length;
      text += decoder.decode(value, { stream: true });
      const lines = text.split("\n");
      text = lines.pop();
      lines.forEach((line) => this.take(line));
    }
  }

  take(text) {
    const line = JSON.parse(text);
    this.failures = 0;
    this.error = "";
    if (this.interruptedAt !== null) {
      this.reconnects += 1;
      this.reconnectMs = performance.now() - this.interruptedAt;
      this.interruptedAt = null;
    }
    if (line.connected) return this.set("open");
    this.lines += 1;
    this.lastLines.push(text.length > 4000 ? `${text.slice(0, 4000)} … (${text.length})` : text);
    if (this.lastLines.length > LINES_KEPT) this.lastLines.shift();
    this.onLine(line);
    this.onChange();
  }
}

async function errorText(response) {
  try {
    return (await response.json()).error.msg;
  } catch {
    return `${response.status}`;
  }
}
