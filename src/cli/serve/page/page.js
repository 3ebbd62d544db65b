// The page at work: it polls /metrics and draws the numbers, publishes with fetch, and watches with
// an EventSource. It sets published data only as text, never as markup.

const element = (id) => document.getElementById(id);

const say = (id, text, state = "") => {
  element(id).textContent = text;
  element(id).dataset.state = state;
};

// ---- The hub at work ----

const POINTS = 120; // one for each second
const POLL = 1000;
const history = { streams: [], rate: [] };
let before = null;

const parseMetrics = (text) => {
  const metrics = { at: performance.now() };
  for (const line of text.split("\n")) {
    const [name, value] = line.split(" ");
    if (name.startsWith("tidings_")) metrics[name.slice("tidings_".length)] = Number(value);
  }
  return metrics;
};

const perSecond = (now) => {
  const same = before !== null && now.uptime_seconds >= before.uptime_seconds;
  if (!same) return 0;
  const events = now.events_published_total - before.events_published_total;
  return events / ((now.at - before.at) / 1000);
};

// 1, 2 or 5 and zeros after it, so that the scale does not change with every point.
const roundUp = (most) => {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= most);
};

const number = (value) => {
  const digits = value < 10 && !Number.isInteger(value) ? 1 : 0;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
};

const draw = (name, values, unit) => {
  const chart = element(`${name}-chart`);
  const most = roundUp(Math.max(...values));
  const first = POINTS - values.length;
  // The line keeps half its width off the edges.
  const points = values.map((value, at) => `${first + at + 1},${39 - (value / most) * 37}`);
  const line = `M${points.join("L")}`;
  chart.querySelector(".line").setAttribute("d", line);
  chart.querySelector(".area").setAttribute("d", `${line}L${POINTS},40L${first + 1},40Z`);
  chart.parentElement.querySelector(".most").textContent = `top: ${number(most)}`;
  const now = number(values[values.length - 1]);
  chart.setAttribute("aria-label", `${unit} in the last two minutes: now ${now}, at most ${
    number(Math.max(...values))}`);
  element(name).textContent = now;
};

const duration = (seconds) => {
  const [days, hours] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
};

const show = (metrics) => {
  history.streams.push(metrics.streams);
  history.rate.push(perSecond(metrics));
  before = metrics;
  for (const values of Object.values(history)) values.splice(0, values.length - POINTS);
  draw("streams", history.streams, "Open streams");
  draw("rate", history.rate, "Events published per second");
  element("published").textContent = number(metrics.events_published_total);
  element("kept").textContent = number(metrics.events_kept);
  element("channels").textContent = number(metrics.channels);
  element("connections").textContent = number(metrics.connections);
  element("workers").textContent = number(metrics.workers);
  element("uptime").textContent = duration(metrics.uptime_seconds);
  element("order").textContent = orderOf(metrics);
};

// Where the events are: the hub says so in the label of a metric, and the page in words.
const ORDERS = { memory: "memory", journal: "a journal", redis: "Redis", hub: "another hub" };

const orderOf = (metrics) => {
  const of = Object.keys(ORDERS).find((order) => metrics[`order_info{order="${order}"}`] === 1);
  return ORDERS[of] ?? "–";
};

// Screen readers read a status aloud when it is set, so this sets it only when it changes.
const sayOfHub = (text, state) => {
  if (element("hub").dataset.state !== state) say("hub", text, state);
};

const sayOfOrder = (metrics) => {
  if (metrics.order_reachable !== 0) {
    sayOfHub(`at ${location.host}`, "there");
    return;
  }
  const since = new Date(Date.now() - metrics.order_silence_seconds * 1000).toLocaleTimeString();
  sayOfHub(`at ${location.host}, which has not heard of ${orderOf(metrics)} since ${since}`, "apart");
};

// The token is in the form and nowhere else: a page that is loaded again asks for it again.
let isPrivate = false;
const token = () => element("publish").token.value;
const authorization = () => (token() === "" ? {} : { Authorization: `Bearer ${token()}` });
const askForToken = () => { element("token").hidden = false; };

const poll = async () => {
  try {
    const response = await fetch("metrics", { cache: "no-store", headers: authorization() });
    if (response.status === 401) {
      isPrivate = true;
      askForToken();
      sayOfHub("this hub is private: enter a token that it accepts", "apart");
      setTimeout(poll, POLL);
      return;
    }
    if (!response.ok) throw new Error(response.statusText);
    const metrics = parseMetrics(await response.text());
    show(metrics);
    sayOfOrder(metrics);
  } catch {
    sayOfHub("the hub does not respond", "gone");
  }
  setTimeout(poll, POLL);
};

// ---- Publish ----

const publish = async (form) => {
  const type = form.type.value;
  const query = type === "" ? "" : `?event=${encodeURIComponent(type)}`;
  const headers = { "Content-Type": "text/plain; charset=utf-8", ...authorization() };
  try {
    const response = await fetch(`events/${encodeURIComponent(form.channel.value)}${query}`, {
      method: "POST", headers, body: form.data.value,
    });
    const text = (await response.text()).trim();
    say("published-as", response.ok ? `published as ${text}` : text, response.ok ? "" : "wrong");
    if (response.ok) listen(type);
    if (response.status === 401 || response.status === 403) {
      askForToken();
      form.token.focus();
    }
  } catch {
    say("published-as", "the hub does not respond", "wrong");
  }
};

element("publish").addEventListener("submit", (event) => {
  event.preventDefault();
  publish(event.target);
});

element("publish").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
});

// ---- Watch ----

const SHOWN = 200;
const LONGEST_SHOWN = 10_000;
const GAP = "tidings.gap";
let source = null;
let heardTypes = new Set();
let waiting = [];
let lastEventId = "";

const words = (text) => text.split(/[\s,]+/).filter((word) => word !== "");

// Makes the source listen for a type, once: for those in the form, and those that the page
// publishes.
const listen = (type) => {
  if (source === null || type === "" || heardTypes.has(type)) return;
  heardTypes.add(type);
  source.addEventListener(type, take);
};

// Events may come faster than the page can be drawn: it keeps the newest for the next frame.
const take = (event) => {
  lastEventId = event.lastEventId;
  waiting.push({ type: event.type, id: event.lastEventId, data: event.data, at: new Date() });
  if (waiting.length === 1) requestAnimationFrame(drawEvents);
  if (waiting.length > SHOWN) waiting.shift();
};

const drawEvents = () => {
  const list = element("events");
  list.prepend(...waiting.map(item).reverse());
  waiting = [];
  while (list.childElementCount > SHOWN) list.lastElementChild.remove();
  element("last-event-id").textContent = lastEventId === "" ? "not set" : lastEventId;
};

const child = (parent, name, className, text) => {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
};

const item = ({ type, id, data, at }) => {
  const entry = document.createElement("li");
  const about = child(entry, "p", "about", "");
  child(about, "span", "type", type === GAP ? "a gap" : type);
  child(about, "code", "id", id);
  child(about, "time", "", at.toLocaleTimeString());
  if (type === GAP) entry.className = "gap";
  const text = type === GAP ? tellGap(data) : data;
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  child(entry, "pre", "", cut);
  return entry;
};

// Says in words what is missing, and why; data of any other form stays as it is.
const tellGap = (data) => {
  const why = {
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

const stop = () => {
  if (source !== null) source.close();
  source = null;
  say("watching", "not watching");
  element("watch").querySelector("button").textContent = "Watch";
};

const watch = (form) => {
  const channels = words(form.channels.value);
  const query = new URLSearchParams(channels.map((name) => ["channel", name]));
  const begin = form.begin.value;
  if (begin === "resume" && lastEventId !== "") query.set("last-event-id", lastEventId);
  if (begin.startsWith("history=")) query.set("history", begin.slice("history=".length));
  // An EventSource sets no field. The hub logs no token, and this address is shown nowhere.
  if (isPrivate && token() !== "") query.set("token", token());
  source = new EventSource(`events?${query}`);
  heardTypes = new Set();
  ["message", GAP, ...words(form.types.value)].forEach(listen);
  source.addEventListener("open", () => say("watching", `watching ${channels.join(", ")}`));
  source.addEventListener("error", ({ target }) => {
    if (target !== source) return;
    if (target.readyState === EventSource.CONNECTING) {
      say("watching", "the stream has ended: reconnecting…", "wrong");
      return;
    }
    stop();
    const what = isPrivate ? "the token and the names" : "the names";
    say("watching", `the hub refused this: check ${what} of the channels`, "wrong");
  });
  say("watching", "connecting…");
  form.querySelector("button").textContent = "Stop";
};

element("watch").addEventListener("submit", (event) => {
  event.preventDefault();
  if (source === null) watch(event.target);
  else stop();
});

// A link may say which channels to watch: /#watch=weather,traffic
const asked = new URLSearchParams(location.hash.slice(1)).get("watch");
if (asked) {
  element("watch").channels.value = words(asked).join(" ");
  watch(element("watch"));
}

poll();
