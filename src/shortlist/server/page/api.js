// Requests to the server of this page.

const KEY = "shortlist-api-key";

/** Return the API key of this tab, or "". */
export const apiKey = () => sessionStorage.getItem(KEY) ?? "";

/** Keep the key for this tab. "" removes it. */
export function keepKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** A request without an answer. `kind` is gone, key, busy, missing, refused or broken. */
export class Trouble extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Post JSON and return the JSON answer. Throws Trouble, or AbortError if `signal` was used. */
export const post = (path, body, signal) => send(path, {
  method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal,
});

/** Get JSON. Throws as `post` does. */
export const get = (path) => send(path, { headers: {} });

async function send(path, request) {
  const key = apiKey();
  if (key) request.headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("gone", "The server does not answer. Check that shortlist serve is running.");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw trouble(response, reason(body));
}

function trouble(response, message) {
  const { status } = response;
  if (status === 401 || status === 403 || status === 498) {
    return new Trouble("key", apiKey() ? "The server does not accept this API key." : "The server needs an API key.");
  }
  if (status === 429) {
    const seconds = Number(response.headers.get("Retry-After"));
    const wait = seconds > 0 ? ` Try again in ${seconds} s.` : "";
    return new Trouble("busy", `The server is busy: its queue is full.${wait}`);
  }
  if (status === 404 || status === 405) return new Trouble("missing", message || "This server does not have this route.");
  if (status >= 500) return new Trouble("broken", message || `The server failed (${status}).`);
  return new Trouble("refused", message || `The server refused the request (${status}).`);
}

/** Return the sentence in an error body of any dialect, or "". */
function reason(body) {
  const places = [body?.error?.message, body?.message, body?.error, body?.detail?.[0]?.msg, body?.detail];
  return places.find((text) => typeof text === "string" && text) ?? "";
}
