// Requests to the server that this page came from.

const KEY = "shortlist-api-key";

/** The API key of this tab, or "". */
export const apiKey = () => sessionStorage.getItem(KEY) ?? "";

/** Keeps the key for this tab; "" forgets it. */
export function keepKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** A request that did not give an answer: `kind` is gone, key, busy, missing, refused or broken. */
export class Trouble extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Posts JSON and gives the JSON answer back; throws Trouble, or AbortError when `signal` was used. */
export const post = (path, body, signal) => ask(path, {
  method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal,
});

/** Gets JSON; throws as `post` does. */
export const get = (path) => ask(path, { headers: {} });

async function ask(path, request) {
  const key = apiKey();
  if (key) request.headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("gone", "The server does not answer. Is shortlist serve still running?");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw trouble(response, reason(body));
}

function trouble(response, said) {
  const { status } = response;
  if (status === 401 || status === 403 || status === 498) {
    return new Trouble("key", apiKey() ? "The server does not accept this API key." : "The server asks for an API key.");
  }
  if (status === 429) {
    const seconds = Number(response.headers.get("Retry-After"));
    const wait = seconds > 0 ? ` It asks to wait ${seconds} s.` : "";
    return new Trouble("busy", `The server is busy: its queue is full.${wait}`);
  }
  if (status === 404 || status === 405) return new Trouble("missing", said || "This server does not offer that.");
  if (status >= 500) return new Trouble("broken", said || `The server failed (${status}).`);
  return new Trouble("refused", said || `The server refused the request (${status}).`);
}

/** The sentence inside an error body of any of the dialects. */
function reason(body) {
  for (const one of [body?.error?.message, body?.message, body?.error, body?.detail?.[0]?.msg, body?.detail]) {
    if (typeof one === "string" && one) return one;
  }
  return "";
}
