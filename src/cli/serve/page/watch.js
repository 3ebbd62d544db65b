// Streams: the page reads them with fetch, since an EventSource shows neither comments nor types
// that nobody listens for, and can't be cut. Each event shows the bytes that it came in.

import { element, say, child, number, quoted, ask, isRefusal, tokens } from "./parts.js";

const SHOWN = 200;
const LONGEST_SHOWN = 500;
const LONGEST_LINE = 2_000;
const MOST_LINES = 100;
const MOST_SHOWN = 12; // lines of the data
const REST = 100; // between two times that the list changes
const CUT = 3000;
const SHORTEST_WAIT = 500;
const LONGEST_WAIT = 10_000;
const GAP = "tidings.gap";

let current = null; // the stream that is watched: it goes on until another is, or none
let lastEventId = "";

const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

// ---- What comes ----

// Gives `take` the lines of each block, up to its empty line, and a comment that stands alone. Those
// of the hub end in LF.
const blocks = (take) => {
  let [rest, lines] = ["", []];
  return (text) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop();
    for (const line of parts) {
      lines.push(line);
      if (line !== "" && !(lines.length === 1 && line.startsWith(":"))) continue;
      take(lines);
      lines = [];
    }
  };
};

const field = (line) => {
  const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
  return { name, value };
};

const read = (lines) => {
  const block = { lines, at: new Date(), received: performance.now(), type: "message", data: [] };
  for (const { name, value } of lines.map(field)) {
    if (name === "data") block.data.push(value);
    if (name === "id") block.id = value;
    if (name === "event" && value !== "") block.type = value;
    if (name === "retry" && /^\d+$/.test(value)) block.retry = Number(value);
  }
  if (block.data.length === 0) {
    const isComment = lines.length === 1;
    block.type = isComment ? "a comment" : block.id === undefined ? "no event" : "a place";
    block.isQuiet = true;
  }
  return block;
};

// ---- How it is shown ----

// A part of a string can keep all of it in memory. This is a copy.
const copy = (text, most) =>
  structuredClone(text.length > most ? `${text.slice(0, most)}…` : text);

// What the bytes of a block are shown from, without what is too long to be shown.
const wireOf = ({ lines, data, id }) => {
  const bytes = new TextEncoder().encode(lines.join("\n") + "\n").length;
  const left = Math.max(lines.length - MOST_LINES, 0);
  const most = left === 0 ? lines : [...lines.slice(0, MOST_LINES - 1), ""];
  const shown = most.map((line) => copy(line, LONGEST_LINE));
  return { bytes, left, lines: shown, hasId: id !== undefined, hasData: data.length > 0 };
};

// Shows what can't be seen, as `tidings tail --raw` does.
const escaped = (text) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => {
  const code = char.codePointAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "␡" : `\\u{${code.toString(16)}}`;
});

const meaning = (line, { hasData, hasId }) => {
  if (line === "" && hasData) return "the end of the event, which is dispatched now";
  if (line === "") return hasId ? "the end: without data, nothing is dispatched" : "the end";
  const { name } = field(line);
  return {
    __proto__: null,
    "": "a comment, so that nobody takes the connection for dead",
    data: "a line of the data",
    event: "the type: listeners for it are called, and no others",
    id: "the last event ID: a client that reconnects sends it back",
    retry: "how many milliseconds to wait before reconnecting",
  }[name] ?? "a field that clients ignore";
};

// An event is one chunk, whose size line and end a browser takes away.
const showWire = (details, wire) => {
  const { bytes, left, lines } = wire;
  const table = child(details, "table", "wire", "");
  const row = (bytes, end, what) => {
    const tr = child(table, "tr", "", "");
    const code = child(child(tr, "td", "", ""), "code", "", bytes);
    child(code, "span", "end", end);
    child(tr, "td", "", what);
  };
  row(bytes.toString(16), "\\r\\n", `a chunk of ${number(bytes)} bytes: its size in hexadecimal`);
  lines.forEach((line, at) => {
    if (left > 0 && at === lines.length - 1) row("…", "", `lines left out: ${number(left)}`);
    row(escaped(line), "\\n", meaning(line, wire));
  });
  row("", "\\r\\n", "the end of the chunk");
};

// Says in words what is missing, and why; data of any other form stays as it is.
const tellGap = (data) => {
  const why = {
    __proto__: null,
    evicted: "they left the log before this page reconnected",
    restarted: "the hub has restarted since",
    lagged: "this page did not read fast enough",
    damaged: "the journal of the hub can’t be read there",
    failover: "Redis has lost them",
  };
  try {
    const { from, to, missed, reason } = JSON.parse(data);
    const count = missed === null ? "Some events" : `${missed} events`;
    return `${count} after ${from}, up to ${to}, are missing: ${why[reason] ?? reason}.`;
  } catch {
    return data;
  }
};

const tell = ({ type, id, data, lines, isQuiet }) => {
  if (type === GAP) return tellGap(data.join("\n"));
  if (!isQuiet) return data.join("\n");
  if (lines.length === 1) return lines[0];
  return id === undefined ? lines.slice(0, -1).join(", ") : "the stream begins after this id";
};

// As much of a text as the list shows.
const beginning = (text) => {
  const lines = text.slice(0, LONGEST_SHOWN).split("\n").slice(0, MOST_SHOWN).join("\n");
  return lines.length < text.length ? `${lines}…` : lines;
};

const item = (block) => {
  const entry = document.createElement("li");
  if (block.type === GAP) entry.className = "gap";
  if (block.isQuiet) entry.className = "quiet";
  const details = child(entry, "details", "", "");
  const summary = child(details, "summary", "", "");
  child(summary, "span", "type", block.type === GAP ? "a gap" : block.type);
  child(summary, "code", "id", block.id ?? "");
  child(summary, "time", "", block.at.toLocaleTimeString());
  child(summary, "span", "data", beginning(tell(block)));
  const wire = wireOf(block);
  details.addEventListener("toggle", () => showWire(details, wire), { once: true });
  return entry;
};

let waiting = [];
let shownAt = 0;

const showWaiting = () => {
  const items = waiting.map(item).reverse();
  [waiting, shownAt] = [[], performance.now()];
  const list = element("events");
  // What somebody has opened stays in sight, whatever comes on top.
  const open = list.querySelector("[open]");
  const place = (of) => of.getBoundingClientRect();
  const isSeen = open !== null && place(open).top < place(list).bottom;
  list.prepend(...items);
  if (isSeen) {
    const [it, view] = [place(open), place(list)];
    list.scrollTop += Math.max(0, Math.min(it.bottom - view.bottom, it.top - view.top));
  }
  // It isn't removed, and neither is what has the keyboard's focus.
  const others = list.querySelectorAll("li:not(:has([open], :focus))");
  for (const old of [...others].slice(SHOWN)) old.remove();
  element("last-event-id").textContent = lastEventId === "" ? "not set" : lastEventId;
};

// Not more often than can be read, however many come.
const show = (block) => {
  if (waiting.length === 0) setTimeout(showWaiting, shownAt + REST - performance.now());
  waiting.push(block);
  waiting = waiting.slice(-SHOWN);
};

// When an event of this id was received here; null if it isn't within a while.
const arrivals = new Map();

export const received = async (id) => {
  for (let tries = 0; current !== null && tries < 100 && !arrivals.has(id); tries++) await sleep(20);
  return arrivals.get(id) ?? null;
};

const take = (stream, block) => {
  if (block.id !== undefined) lastEventId = block.id;
  if (block.retry !== undefined) stream.retry = Math.max(block.retry, SHORTEST_WAIT);
  if (!block.isQuiet && block.id !== undefined) {
    arrivals.set(copy(block.id, LONGEST_LINE), block.received);
    if (arrivals.size > SHOWN) arrivals.delete(arrivals.keys().next().value);
  }
  stream.take?.(block);
  show(block);
};

// ---- Cutting ----

// Counts what comes until there is nothing more for a while, and tells what came of the cut. A
// stream begins with a block, even if nothing was missed.
const countCaughtUp = (stream, sent, away) => {
  let [events, gap, timer] = [0, null, null];
  const begun = performance.now();
  const report = (isQuiet) => {
    stream.take = null;
    if (stream !== current) return;
    const count = `${isQuiet ? "" : "at most "}${events}`;
    const came = `${count} ${events === 1 ? "event was" : "events were"} caught up`;
    const lost = gap === null ? "nothing was lost." : `there is a gap. ${tellGap(gap)}`;
    element("cuts").textContent = `Cut off for ${(away / 1000).toFixed(1)} s. Then the request said `
      + `Last-Event-ID: ${sent}, ${came}, and ${lost}`;
  };
  stream.take = ({ type, data, isQuiet }) => {
    if (type === GAP) gap = data.join("\n");
    else if (!isQuiet) events++;
    clearTimeout(timer);
    // While events come all the time, those that were missed are among those of half a second.
    if (performance.now() - begun > 500) report(false);
    else timer = setTimeout(report, 300, true);
  };
};

const cut = () => {
  if (!current?.isOpen) return;
  [current.isOpen, current.isCut, current.cutAt] = [false, true, performance.now()];
  element("cuts").textContent = "";
  say("watching", `cut off: reconnecting in ${CUT / 1000} s`, "wrong");
  current.abort.abort();
};

// ---- Watching ----

const words = (text) => text.split(/[\s,]+/).filter((word) => word !== "");

const visible = () => new Promise((isSeen) => {
  if (!document.hidden) isSeen();
  else document.addEventListener("visibilitychange", isSeen, { once: true });
});

// One connection, from its request to its end. Gives whether to connect again.
const connect = async (stream) => {
  stream.abort = new AbortController();
  const { signal } = stream.abort;
  const headers = { Accept: "text/event-stream" };
  const sent = stream.resumes ? lastEventId : "";
  if (sent !== "") headers["Last-Event-ID"] = sent;
  const response = await ask(stream.url, { headers, signal });
  if (stream !== current) return false;
  if (response.status === 204) return refuse(stream, "the channel is closed, and this page has all of it");
  if ([400, 401, 403, 404].includes(response.status)) {
    if (isRefusal(response)) tokens.want();
    return refuse(stream, (await response.text()).trim());
  }
  if (!response.ok) throw new Error(response.statusText);
  if (!stream.resumes) lastEventId = "";
  [stream.resumes, stream.isOpen, stream.failures] = [true, true, 0];
  say("watching", `watching ${stream.channels.join(", ")}`);
  if (stream.cutAt !== undefined) countCaughtUp(stream, sent, performance.now() - stream.cutAt);
  stream.cutAt = undefined;
  const feed = blocks((lines) => { if (stream === current) take(stream, read(lines)); });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part; !(part = await reader.read()).done; ) feed(part.value);
  return true;
};

const refuse = (stream, why) => {
  if (stream !== current) return false;
  end();
  say("watching", why, "wrong");
  return false;
};

const run = async (stream) => {
  while (stream === current) {
    await visible();
    if (stream !== current || !await connect(stream).catch(() => true)) return;
    if (stream !== current) return;
    stream.isOpen = false;
    if (stream.isCut) {
      stream.isCut = false;
      await sleep(CUT);
      if (stream === current) say("watching", "reconnecting…", "wrong");
      continue;
    }
    if (document.hidden) continue;
    const wait = Math.min(stream.retry * 2 ** stream.failures++, LONGEST_WAIT);
    say("watching", "the stream has ended: reconnecting…", "wrong");
    await sleep(wait * (1 + Math.random() / 2));
  }
};

// A page that nobody sees has no stream. It resumes when it is seen again.
document.addEventListener("visibilitychange", () => {
  if (document.hidden && current !== null) {
    current.abort?.abort();
    say("watching", "resting while this page is hidden");
  }
});

const end = () => {
  const ended = current;
  current = null;
  ended?.abort?.abort();
  element("stop").disabled = element("cut").disabled = true;
};

const url = () => {
  const form = element("watch");
  const names = words(form.channels.value).map((name) => `channel=${encodeURIComponent(name)}`);
  return `events?${[...names, form.begin.value].filter((part) => part !== "").join("&")}`;
};

export const watch = () => {
  end();
  const channels = words(element("watch").channels.value);
  current = { channels, url: url(), retry: 1000, failures: 0, resumes: false };
  element("stop").disabled = element("cut").disabled = false;
  element("cuts").textContent = "";
  element("events").replaceChildren();
  waiting = [];
  say("watching", "connecting…");
  follow();
  run(current);
};

// ---- The form, the address, and the command ----

// The address says what the form does, so that it can be sent to somebody.
const follow = () => {
  const { channels, begin } = element("watch");
  const query = begin.selectedIndex === 0 ? "" : `&begin=${begin.value}`;
  const names = words(channels.value).map(encodeURIComponent).join(",");
  history.replaceState(null, "", `#watch=${names}${query}`);
  showCommand();
};

const showCommand = () => {
  const target = new URL(url(), location.href).href;
  element("watch-command").textContent = `curl -N ${tokens.forCurl()}${quoted(target)}`;
};

// An address can be mistyped: %s that encode nothing stand for themselves.
const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

// Watches what the address says, if it does: /#watch=weather,traffic
const obey = () => {
  const [, names, begin] = /^#watch=([^&]*)(?:&begin=(.*))?$/.exec(location.hash) ?? [];
  if (names === undefined) return showCommand();
  const form = element("watch");
  form.channels.value = words(decoded(names)).join(" ");
  form.begin.value = begin;
  if (form.begin.selectedIndex < 0) form.begin.selectedIndex = 0;
  showCommand();
  if (form.reportValidity()) watch();
};

element("watch").addEventListener("submit", (event) => {
  event.preventDefault();
  watch();
});
element("watch").addEventListener("input", follow);
element("stop").addEventListener("click", () => {
  end();
  say("watching", "not watching");
});
element("cut").addEventListener("click", cut);
addEventListener("hashchange", obey);
tokens.onuse.push(() => {
  showCommand();
  if (current === null && element("watching").dataset.state === "wrong") watch();
});

obey();
