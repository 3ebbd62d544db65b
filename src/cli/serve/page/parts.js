// What all parts of the page use.

export const element = (id) => document.getElementById(id);

// Screen readers read a status aloud when it is set, so this sets it only when it changes.
export const say = (id, text, state = "") => {
  if (element(id).textContent !== text) element(id).textContent = text;
  element(id).dataset.state = state;
};

export const child = (parent, name, className, text) => {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
};

export const number = (value) => {
  const digits = value < 10 && !Number.isInteger(value) ? 1 : 0;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
};

export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// The token that was entered, which is nowhere but here.
let token = "";
let isUntried = false;

// The URLs that the hub has refused. A hub that serves one of them now has taken the token; the
// others it may serve to anyone.
const refused = new Set();

export const isRefusal = ({ status }) => status === 401 || status === 403;

// The form is there until the hub has taken what was entered.
const close = () => {
  isUntried = false;
  const form = element("token");
  if (form.contains(document.activeElement)) element("watch").querySelector("button").focus();
  form.hidden = true;
};

export const tokens = {
  onuse: [],
  want: () => { element("token").hidden = false; },
  enter: () => {
    tokens.want();
    element("token").querySelector("input").focus();
  },
  use: (given) => {
    [token, isUntried] = [given, true];
    tokens.onuse.forEach((act) => act());
  },
  // A command that is copied names no token.
  forCurl: () => (token === "" ? "" : "-H \"Authorization: Bearer $TOKEN\" "),
};

// Asks the hub for something, for so many milliseconds at most if there are any.
export const ask = async (url, { headers = {}, ...options } = {}, patience = 0) => {
  const sent = token;
  const authorized = token === "" ? headers : { ...headers, Authorization: `Bearer ${token}` };
  const signal = patience === 0 ? {} : { signal: AbortSignal.timeout(patience) };
  const all = { cache: "no-store", headers: authorized, ...signal, ...options };
  const response = await fetch(url, all);
  if (isRefusal(response)) refused.add(url);
  if (response.ok && isUntried && sent === token && refused.has(url)) close();
  return response;
};
