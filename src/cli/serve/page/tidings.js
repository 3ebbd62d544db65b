// One event stream for all tabs of an origin. See the page tidings_js of the documentation.
//
//   const news = new Tidings("/events/news", { token: async () => "..." });
//   news.onmessage = ({ data, lastEventId }) => ...;
//   news.addEventListener("gap", ({ data: { from, to, missed, reason } }) => ...);
//
// Each tab begins by reading the stream itself, until it has had all that the leader has had. From
// then on it has what the leader sends it: each block, and the id `before` that. Whenever a tab has
// not had that id, it reads by itself again. The leader is the tab that holds a lock, so one that
// is closed or killed has a successor at once, which resumes after the last id that it has had.
//
// The hub sends this file without comments and indentation: see page.rs.

// Gives a function that takes an event stream in pieces (HTML standard, 9.2.6). It has `take` each
// block at its empty line, and comments and reconnection times at once.
export const parser = (take) => {
  let rest = "", afterCr = false, block = { data: [] };
  const line = (text) => {
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(text);
    if (text === "") {
      take(block);
      block = { data: [] };
    } else if (!name) take({ comment: value });
    else if (name === "data") block.data.push(value);
    else if (name === "event") block.type = value;
    else if (name === "id" && !value.includes("\0")) block.id = value;
    else if (name === "retry" && /^\d+$/.test(value)) take({ retry: Number(value) });
  };
  return (text) => {
    if (text === "") return;
    if (afterCr && text[0] === "\n") text = text.slice(1);
    afterCr = text.endsWith("\r");
    const lines = text.split(/\r\n?|\n/);
    lines[0] = rest + lines[0];
    rest = lines.pop();
    lines.forEach(line);
  };
};

const sleep = (ms, signal) => new Promise((wake) => {
  setTimeout(wake, Math.min(ms, 1e9));
  signal.onabort = wake;
});

export class Tidings extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 2;
  readyState = 0;
  #life = new AbortController();
  // While it takes part; a frozen tab doesn't.
  #turn;
  // While it reads the stream itself.
  #reading;
  #silent;
  #leads;
  #others;
  // The newest id that the leader has told.
  #told;
  // The last event ID, and by epoch the number of the newest event that this tab has had.
  #id = "";
  #newest = new Map();
  #retry = 1000;

  constructor(url, { token, lastEventId = "", withCredentials = false, shared = true } = {}) {
    super();
    Object.assign(this, { url: new Request(url).url, withCredentials, token });
    this.shared = shared && navigator.locks && globalThis.BroadcastChannel;
    this.#note(lastEventId);
    for (const type of ["open", "message", "error"]) {
      this.addEventListener(type, (event) => this[`on${type}`]?.(event));
    }
    this.addEventListener("tidings.gap", ({ data, lastEventId }) => {
      this.dispatchEvent(new MessageEvent("gap", { data: JSON.parse(data), lastEventId }));
    });
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
    if (!this.shared) return;
    const { signal } = this.#turn;
    this.#others = new BroadcastChannel(`tidings ${this.url}`);
    this.#others.onmessage = ({ data }) => this.#hear(data);
    this.#lead(signal);
    this.#ask(signal);
  }

  // A leader that hangs, as one that shows an alert, loses the lead to a tab that is seen.
  #ask(signal) {
    if (signal.aborted) return;
    if (!this.#leads) {
      if (this.#silent) this.#lead(signal, { steal: true });
      this.#silent = !globalThis.document?.hidden;
      this.#others.postMessage({ ask: 1 });
    }
    setTimeout(() => this.#ask(signal), 3000);
  }

  #lead(signal, options = { signal }) {
    const hold = () => new Promise((end) => {
      signal.addEventListener("abort", end);
      this.#leads = true;
      this.#tell();
      this.#read();
    });
    navigator.locks.request(`tidings ${this.url}`, options, hold).catch(() => {
      if (signal.aborted) return;
      this.#leads = false;
      this.#lead(signal);
    });
  }

  #rest() {
    this.#turn?.abort();
    this.#turn = null;
    this.#stop();
    this.#others?.close();
    this.#leads = false;
    this.readyState = 0;
  }

  #stop() {
    this.#reading?.abort();
    this.#reading = null;
  }

  #note(id) {
    this.#id = id;
    const [number, epoch] = id.split("-").reverse();
    if (id) this.#newest.set(epoch, Number(number));
  }

  #has(id) {
    const [number, epoch] = id.split("-").reverse();
    return id === this.#id || number <= this.#newest.get(epoch);
  }

  #become(state) {
    const type = state === 1 ? state !== this.readyState && "open" : "error";
    this.readyState = state;
    this.#tell();
    if (type) this.dispatchEvent(new Event(type));
  }

  #tell(message = { before: this.#id, state: this.readyState }) {
    if (this.#leads) this.#others.postMessage(message);
  }

  #hear({ ask, before, block, state }) {
    if (ask) return this.#tell();
    if (this.#leads) return;
    this.#silent = false;
    this.#told = block?.id ?? before;
    if (!this.#has(before)) return this.#read();
    this.#stop();
    if (block) this.#give(block, before);
    else if (state !== this.readyState) this.#become(state);
  }

  #give(block, before) {
    this.#tell({ before, block });
    const { id, type, data } = block;
    if (id !== undefined) {
      // A gap may have the id of the event before it.
      const isTold = type !== "tidings.gap" || before !== this.#id;
      if (this.shared && isTold && this.#has(id)) return;
      this.#note(id);
    }
    if (data.length === 0) return;
    this.dispatchEvent(new MessageEvent(type || "message", {
      data: data.join("\n"), lastEventId: this.#id, origin: new URL(this.url).origin,
    }));
  }

  async #read() {
    if (this.#reading) return;
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    let failures = 0, refused;
    while (!signal.aborted) {
      let wait = 0;
      try {
        failures++;
        const { status, headers, body } = await this.#fetch(signal);
        if (status === 401 && this.token && !refused) {
          refused = true;
          continue;
        }
        if ([204, 400, 401, 403, 404].includes(status)) {
          this.close();
          this.#become(2);
        } else if (status === 200 && /event-stream/.test(headers.get("Content-Type"))) {
          failures = refused = 0;
          this.#become(1);
          await this.#follow(body, signal);
        } else wait = headers.get("Retry-After") * 1000 || 0;
      } catch {}
      if (signal.aborted) return;
      this.#become(0);
      wait = Math.max(wait, this.#retry * 2 ** Math.min(failures, 5), 100);
      await sleep(wait * (1 + Math.random() / 2), signal);
    }
  }

  async #fetch(signal) {
    const headers = { Accept: "text/event-stream" };
    if (this.#id) headers["Last-Event-ID"] = this.#id;
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
      // A heartbeat says that there is nothing more.
      const isIdle = "comment" in block;
      if (this.#told && !this.#leads && (isIdle || this.#has(this.#told))) this.#stop();
    });
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part; !(part = await reader.read()).done; ) feed(part.value);
  }
}
