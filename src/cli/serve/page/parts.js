// What all parts of the page use.

export const element = (id) => document.getElementById(id);

export const say = (id, text, state = "") => {
  element(id).textContent = text;
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

// The token that was entered, which is nowhere but here.
let token = "";

export const tokens = {
  onuse: [],
  want: () => { element("token").hidden = false; },
  use: (given) => {
    token = given;
    tokens.onuse.forEach((act) => act());
  },
  // A command that is copied names no token.
  forCurl: () => (token === "" ? "" : "-H \"Authorization: Bearer $TOKEN\" "),
};

// Asks the hub for something, for so many milliseconds at most if there are any.
export const ask = (url, { headers = {}, ...options } = {}, patience = 0) => {
  const authorized = token === "" ? headers : { ...headers, Authorization: `Bearer ${token}` };
  const signal = patience === 0 ? {} : { signal: AbortSignal.timeout(patience) };
  return fetch(url, { cache: "no-store", headers: authorized, ...signal, ...options });
};
