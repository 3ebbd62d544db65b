// The page at work: what it asks the hub for, how it publishes, and what the hub does. Streams are
// in watch.js. It sets published data only as text, never as markup.

import { element, say, child, number, quoted, ask, isRefusal, tokens } from "./parts.js";
import { received, watch } from "./watch.js";

const POLL = 1000;
const PATIENCE = 1500; // with a poll each second, silence is told within 3 s
const PUBLISH_PATIENCE = 5000; // an order that is elsewhere may take 3 s
const MISSED = 2.5 * POLL; // between two samples: then one at least is missing
const SHOWN = 120_000; // the time that a chart shows
const MOST_CHANNELS = 100;

// ---- The token: in this form and nowhere else, so a page that is loaded again asks again ----

element("token").addEventListener("submit", (event) => {
  event.preventDefault();
  tokens.use(event.target.token.value);
});
element("enter-token").addEventListener("click", tokens.enter);

// ---- The hub ----

const parse = (text) => {
  const metrics = { at: performance.now() };
  for (const line of text.split("\n")) {
    const [name, value] = line.split(" ");
    if (name.startsWith("tidings_")) metrics[name.slice("tidings_".length)] = Number(value);
  }
  return metrics;
};

const ORDERS = { memory: "memory", journal: "a journal", redis: "Redis", hub: "another hub" };

const orderOf = (metrics) => {
  const of = Object.keys(ORDERS).find((order) => metrics[`order_info{order="${order}"}`] === 1);
  return ORDERS[of] ?? "–";
};

// Where the events are, and how that is.
const tellOrder = (metrics) => {
  const order = orderOf(metrics);
  if (metrics.journal_failed === 1) return `${order}, which has failed: nothing is published`;
  if (metrics.journal_segments !== undefined) {
    return `${order}: ${number(metrics.journal_bytes / 1024)} KiB on disk`;
  }
  if (metrics.order_reachable === undefined) return order;
  const silence = `heard from ${number(Math.round(metrics.order_silence_seconds))} s ago`;
  return metrics.order_reachable === 1 ? `${order}, ${silence}` : `${order}, which is away`;
};

const duration = (seconds) => {
  const [days, hours] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
};

// ---- Charts: each sample at its time, and no line where there was none ----

let samples = [];

// 1, 2 or 5 and zeros after it, so that the scale does not change with every sample.
const roundUp = (most) => {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= most);
};

const draw = (name, unit) => {
  const now = performance.now();
  const drawn = samples.filter((sample) => sample[name] !== undefined);
  const greatest = Math.max(0, ...drawn.map((sample) => sample[name]));
  const most = roundUp(greatest);
  let [path, before] = ["", -Infinity];
  for (const { at, [name]: value } of drawn) {
    const x = 600 - ((now - at) / SHOWN) * 600;
    path += `${at - before > MISSED ? "M" : "L"}${x.toFixed(1)} ${100 - (value / most) * 100}`;
    if (at - before > MISSED) path += "h.1";
    before = at;
  }
  const chart = element(`${name}-chart`);
  chart.querySelector(".line").setAttribute("d", path);
  const [top, half] = chart.parentElement.querySelectorAll(".y span");
  [top.textContent, half.textContent] = [number(most), number(most / 2)];
  const latest = drawn.at(-1);
  const isKnown = latest !== undefined && now - latest.at < MISSED;
  element(name).textContent = isKnown ? number(latest[name]) : "–";
  chart.setAttribute("aria-label", `${unit} in the last two minutes: at most ${number(greatest)}`);
};

const drawAll = () => {
  samples = samples.filter(({ at }) => performance.now() - at < SHOWN);
  draw("streams", "Open streams");
  draw("rate", "Events published per second");
};

let before = null;

// There is a rate between two samples, and none of a time that was missed or of another hub.
const rateSince = (before, metrics) => {
  if (before === null || metrics.uptime_seconds < before.uptime_seconds) return undefined;
  const events = metrics.events_published_total - before.events_published_total;
  const ms = metrics.at - before.at;
  return ms > MISSED || events < 0 ? undefined : events / (ms / 1000);
};

const show = (metrics) => {
  const rate = rateSince(before, metrics);
  samples.push({ at: metrics.at, streams: metrics.streams, rate });
  before = metrics;
  element("published").textContent = number(metrics.events_published_total);
  element("kept").textContent = number(metrics.events_kept);
  element("connections").textContent = number(metrics.connections);
  element("workers").textContent = number(metrics.workers);
  element("uptime").textContent = duration(metrics.uptime_seconds);
  element("order").textContent = tellOrder(metrics);
};

// ---- Channels: rows stay where they are, so that the keyboard's focus does ----

const rows = new Map();

const makeRow = (name) => {
  const row = document.createElement("tr");
  const button = child(child(row, "th", "", ""), "button", "link", name);
  row.firstChild.scope = "row";
  button.type = "button";
  button.setAttribute("aria-label", `Watch ${name}`);
  button.addEventListener("click", () => {
    element("watch").channels.value = name;
    element("publish").channel.value = name;
    watch();
  });
  const cells = ["", "", "", ""].map((text) => child(row, "td", "", text));
  return { row, cells };
};

const showChannels = ({ channels, more }, at) => {
  const table = element("channels");
  const names = new Set(channels.map(({ name }) => name));
  for (const [name, { row }] of rows) {
    if (!names.has(name)) row.remove();
    if (!names.has(name)) rows.delete(name);
  }
  let next = table.firstChild;
  for (const { name, streams, bytes, published } of channels) {
    if (!rows.has(name)) rows.set(name, makeRow(name));
    const row = rows.get(name);
    if (row.row === next) next = next.nextSibling;
    else table.insertBefore(row.row, next);
    const { was } = row;
    const rate = was && published >= was.published && at - was.at <= MISSED
      ? number((published - was.published) / ((at - was.at) / 1000)) : "–";
    row.was = { published, at };
    const texts = [number(streams), rate, number(published), size(bytes)];
    texts.forEach((text, cell) => { row.cells[cell].textContent = text; });
  }
  const note = more ? `These are the first ${MOST_CHANNELS}. ` : "";
  element("channels-note").textContent = channels.length === 0
    ? "There is none yet." : `${note}Streams of patterns count for none of them.`;
};

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : `${number(bytes / 1024)} KiB`);

const pollChannels = async () => {
  const response = await ask(`channels?limit=${MOST_CHANNELS}`, {}, PATIENCE);
  element("enter-token").hidden = response.ok;
  if (response.ok) showChannels(await response.json(), performance.now());
  else element("channels-note").textContent = "The hub shows its channels for a token that follows *.";
};

let awaySince = null;

const tellAway = (metrics) => {
  if (metrics.order_reachable !== 0) awaySince = null;
  else awaySince ??= new Date(Date.now() - metrics.order_silence_seconds * 1000);
  if (awaySince === null) return say("hub", `at ${location.host}`, "there");
  const since = `${orderOf(metrics)} since ${awaySince.toLocaleTimeString()}`;
  say("hub", `at ${location.host}, which has not heard from ${since}`, "apart");
};

const poll = async () => {
  const response = await ask("metrics", {}, PATIENCE);
  if (response.status === 401) {
    tokens.want();
    say("hub", "this hub is private: enter a token that it accepts", "apart");
    return;
  }
  if (!response.ok) throw new Error(response.statusText);
  const metrics = parse(await response.text());
  show(metrics);
  tellAway(metrics);
  await pollChannels();
};

const pollForEver = async () => {
  for (;;) {
    if (!document.hidden) {
      await poll().catch(() => say("hub", "the hub does not respond", "gone"));
      drawAll();
    }
    await new Promise((next) => setTimeout(next, POLL));
  }
};

// ---- Publish ----

const target = (form) => {
  const type = form.type.value;
  const query = type === "" ? "" : `?event=${encodeURIComponent(type)}`;
  return `events/${encodeURIComponent(form.channel.value)}${query}`;
};

let published = 0; // how often: only the newest is told of

const publish = async (form) => {
  const begun = performance.now();
  const which = ++published;
  const tell = (text, state) => { if (which === published) say("published-as", text, state); };
  const headers = { "Content-Type": "text/plain; charset=utf-8" };
  const options = { method: "POST", headers, body: form.data.value };
  tell("publishing…");
  try {
    const response = await ask(target(form), options, PUBLISH_PATIENCE);
    const text = (await response.text()).trim();
    if (isRefusal(response)) tokens.enter();
    if (!response.ok) return tell(text, "wrong");
    tell(`published as ${text}`);
    const came = await received(text);
    if (came === null) return;
    const after = (came - begun).toFixed(1);
    tell(`published as ${text}, and received here ${after} ms after the click`);
  } catch {
    tell("the hub does not respond, so the event may be published or not", "wrong");
  }
};

const showPublishCommand = () => {
  const form = element("publish");
  const url = new URL(target(form), location.href).href;
  element("publish-command").textContent =
    `curl ${tokens.forCurl()}--data-raw ${quoted(form.data.value)} ${quoted(url)}`;
};

element("publish").addEventListener("submit", (event) => {
  event.preventDefault();
  publish(event.target);
});
element("publish").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
});
element("publish").addEventListener("input", showPublishCommand);
tokens.onuse.push(showPublishCommand);
showPublishCommand();

// ---- Copying ----

for (const button of document.querySelectorAll("[data-copies]")) {
  button.addEventListener("click", async () => {
    const code = element(button.dataset.copies);
    getSelection().selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    } catch {
      button.textContent = "Selected"; // a page may not copy everywhere
    }
  });
}

pollForEver();
