// One event stream for all tabs of an origin. See the page tidings_js of the documentation.
//
//   const news = new Tidings("/events/news", { token: async () => "..." });
//   news.onmessage = ({ data, lastEventId }) => ...;
//   news.addEventListener("gap", ({ data: { from, to, missed, reason } }) => ...);
//
// Each tab begins by reading the stream itself, so nobody is given what the server refuses them. It
// does that until it has had all that the leader has had. From then on it has what the leader sends
// it: each block, and the id `before` that. Whenever a tab has not had that id, it reads by itself
// again. The leader is the tab that holds a lock, so one that is closed or killed has a successor at
// once, which resumes after the last id that it has had.
//
// The hub sends this file without comments and indentation: see page.rs.

// Gives a function that takes an event stream in pieces (HTML standard, 9.2.6). It gives `take`
// each block at its empty line, and comments and reconnection times at once.
export const parser = (take) => {
  let rest = "", last = "", block = { data: [] };
  const line = (text) => {
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(text);
    if (text === "") {
      take(block);
      block = { data: [] };
    } else if (!name) take({ comment: value });
    else if (name === "data") block.data.push(value);
    else if (name === "event") block.type = value;
    else if (name === "id" && !value.includes("\0")) block.id = value;
    else if (name === "retry" && /^\d+$/.test(value)) take({ retry: +value });
  };
  return (text) => {
    const lines = text.slice(last + text[0] === "\r\n" ? 1 : 0).split(/\r\n?|\n/);
    last = text.at(-1) ?? last;
    lines[0] = rest + lines[0];
    rest = lines.pop();
    lines.forEach(line);
  };
};

const sleep = (ms, signal) => new Promise((wake) => {
  const timer = setTimeout(wake, Math.min(ms, 1e9));
  signal.onabort = () => clearTimeout(timer);
});

export class Tidings extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 2;
  CONNECTING = 0;
  OPEN = 1;
  CLOSED = 2;
  readyState = 0;
  #life = new AbortController();
  // While it takes part; a frozen tab doesn't.
  #turn;
  // While it reads the stream itself.
  #reading;
  // Whether the leader has said nothing since this tab asked it.
  #silent;
  // While it leads: ends that.
  #leads;
  #others;
  // The last event ID, and by epoch the number of the newest event that this tab has had.
  #id;
  #newest = {};
  #retry = 1000;

  constructor(url, { token, lastEventId, withCredentials = false, shared = true } = {}) {
    super();
    try {
      url = new Request(url).url;
    } catch {
      throw new DOMException(`no URL: ${url}`, "SyntaxError");
    }
    Object.assign(this, { url, withCredentials, token });
    this.shared = shared && navigator.locks && self.BroadcastChannel;
    this.#note(lastEventId ?? "");
    for (const type of ["open", "message", "error"]) {
      this.addEventListener(type, (event) => this[`on${type}`]?.(event));
    }
    this.addEventListener("tidings.gap", ({ data }) => this.#say("gap", JSON.parse(data)));
    const on = { capture: true, signal: this.#life.signal };
    for (const type of ["freeze", "pagehide"]) addEventListener(type, () => this.#rest(), on);
    for (const type of ["resume", "pageshow"]) addEventListener(type, () => this.#wake(), on);
    this.#wake();
  }

  close() {
    this.#rest();
    this.#life.abort();
    this.readyState = 2;
  }

  #wake() {
    if (this.#turn) return;
    this.#turn = new AbortController();
    this.#read();
  }

  // Takes part in sharing, once the server has let this tab itself in.
  #join() {
    if (!this.shared || this.#others) return;
    this.#others = new BroadcastChannel(`tidings ${this.url}`);
    this.#others.onmessage = ({ data }) => data ? this.#hear(data) : this.#tell();
    this.#lead();
    this.#ask(this.#turn.signal);
  }

  // A leader that hangs, as one that shows an alert, loses the lead to a tab that is seen.
  async #ask(signal) {
    // At first when it has had a moment to read where the stream begins.
    for (let ms = 100; ; ms = 3000) {
      await sleep(ms, signal);
      if (this.#leads) continue;
      if (this.#silent) this.#lead(true);
      this.#silent = !self.document?.hidden;
      this.#others.postMessage(0);
    }
  }

  // Asks for the lead, or takes it from the tab that has it.
  #lead(steal) {
    const { signal } = this.#turn;
    const hold = () => signal.aborted || new Promise((end) => {
      this.#leads = end;
      this.#tell();
      this.#read();
    });
    navigator.locks.request(this.#others.name, steal ? { steal } : { signal }, hold).catch(() => {
      // Stolen, unless the page may have no locks. The first request of a thief still waits.
      if (!this.#leads) return;
      this.#leads = null;
      if (!steal) this.#lead();
    });
  }

  #rest() {
    this.#turn?.abort();
    this.#turn = null;
    this.#stop();
    this.#others?.close();
    this.#leads?.();
    this.#others = this.#leads = this.#silent = null;
    this.readyState = 0;
  }

  #stop() {
    this.#reading?.abort();
    this.#reading = null;
  }

  #note(id) {
    this.#id = id;
    const [number, epoch] = id.split("-").reverse();
    if (id) this.#newest[epoch] = +number;
  }

  #has(id) {
    const [number, epoch] = id.split("-").reverse();
    return id === this.#id || number <= this.#newest[epoch];
  }

  #become(state) {
    this.readyState = state;
    this.#tell();
    this.dispatchEvent(new Event(state === 1 ? "open" : "error"));
  }

  #tell(before = this.#id, block) {
    if (this.#leads) this.#others.postMessage({ before, block, state: this.readyState });
  }

  #hear({ before, block, state }) {
    if (this.#leads || !before?.split) return;
    this.#silent = false;
    // The leader waits to reconnect while this tab has a stream.
    if (state < this.readyState && this.#reading) return this.#lead(true);
    if (!this.#has(before)) return this.#read();
    this.#stop();
    if (state !== this.readyState) this.#become(state);
    if (block && this.#turn) this.#give(block, before);
  }

  #give(block, before) {
    this.#tell(before, block);
    const { id, type, data } = block;
    if (id !== undefined) {
      // A gap may have the id of the event before it.
      const isNew = type === "tidings.gap" && before === this.#id;
      if (this.shared && this.#has(id) && !isNew) return;
      this.#note(id);
    }
    if (data.length) this.#say(type || "message", data.join("\n"));
  }

  #say(type, data) {
    const { origin } = new URL(this.url);
    this.dispatchEvent(new MessageEvent(type, { data, lastEventId: this.#id, origin }));
  }

  async #read() {
    if (this.#reading) return;
    const { signal } = this.#reading = new AbortController();
    let failures = 0, refused = 0;
    while (!signal.aborted) {
      let wait;
      try {
        const { status, headers, body } = await this.#fetch(signal);
        if (status === 401 && this.token && !refused++) continue;
        if ([204, 400, 401, 403, 404].includes(status)) {
          this.close();
          this.#become(2);
        } else if (status === 200
          && /^text\/event-stream *(;|$)/i.test(headers.get("Content-Type"))) {
          failures = refused = 0;
          this.#join();
          if (!this.readyState) this.#become(1);
          await this.#follow(body, signal);
        } else {
          wait = headers.get("Retry-After") * 1000;
          await body?.cancel();
        }
      } catch {}
      if (signal.aborted) return;
      this.#become(0);
      wait = Math.max(wait || 100, this.#retry * 2 ** Math.min(failures++, 5));
      if (!signal.aborted) await sleep(wait * (1 + Math.random() / 2), signal);
    }
  }

  async #fetch(signal) {
    const headers = { Accept: "text/event-stream" };
    if (this.#id) headers["Last-Event-ID"] = unescape(encodeURIComponent(this.#id));
    const token = await this.token?.();
    if (token) headers.Authorization = `Bearer ${token}`;
    return fetch(this.url, {
      headers, signal, cache: "no-store",
      credentials: this.withCredentials ? "include" : "same-origin",
    });
  }

  async #follow(body, signal) {
    let before = this.#id;
    const feed = parser((block) => {
      if (signal.aborted) return;
      this.#retry = block.retry ?? this.#retry;
      if (block.data) {
        this.#give(block, before);
        before = block.id ?? before;
      }
    });
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part; !(part = await reader.read()).done; ) feed(part.value);
  }
}
