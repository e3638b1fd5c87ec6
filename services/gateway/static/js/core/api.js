/** The API from a page: session cookie, CSRF value, the reader's language, problems as exceptions. */
import { uuid } from "./uuid.js";
import { language, t } from "./words.js";

const BASE = "/api/v1";
const csrf = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** What the API refused or could not do; `document` is its problem document (RFC 9457). */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail);
    this.status = status;
    this.document = document;
  }
}

/**
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {any} [body] sent as JSON, or as it is when FormData
 * @param {{signal?: AbortSignal, headers?: Record<string, string>, keepalive?: boolean}} [options] `keepalive`: goes on
 *   though the page is closed; its body may weigh 64 KiB
 * @returns {Promise<any>} the answer's JSON, null without content
 */
export async function call(method, path, body, options = {}) {
  const headers = { ...writing(method), ...options.headers };
  let sent = body;
  if (body !== undefined && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    sent = JSON.stringify(body);
  }
  let answer, text;
  try {
    answer = await fetch(BASE + path, { method, headers, body: sent, signal: options.signal, keepalive: options.keepalive });
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: t("problem.offline"), code: "offline" });
  }
  return understood(answer.status, text);
}

/** Send a form and save the file that answers it. */
export async function save(path, form, name) {
  const answer = await fetch(BASE + path, { method: "POST", headers: writing("POST"), body: form });
  if (!answer.ok) understood(answer.status, await answer.text());
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await answer.blob()), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** All items of a list, cursor by cursor. */
export async function all(path) {
  const items = [];
  let cursor = "";
  do {
    const join = path.includes("?") ? "&" : "?";
    const part = await call("GET", `${path}${join}limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    items.push(...part.items);
    cursor = part.next ?? "";
  } while (cursor);
  return items;
}

/**
 * Send a file and hear how far it is. fetch cannot tell; XMLHttpRequest can.
 * @param {(share: number) => void} progressed
 * @param {AbortSignal} signal
 */
export function upload(path, file, progressed, signal) {
  const request = new XMLHttpRequest();
  const form = new FormData();
  form.append("file", file);
  return new Promise((resolve, reject) => {
    request.open("POST", BASE + path);
    for (const [name, value] of Object.entries(writing("POST"))) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => progressed(event.loaded / event.total));
    request.addEventListener("load", () => {
      try {
        resolve(understood(request.status, request.responseText));
      } catch (problem) {
        reject(problem);
      }
    });
    request.addEventListener("error", () => reject(new Problem(0, { detail: t("problem.offline"), code: "offline" })));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

function writing(method) {
  const headers = { Accept: "application/json", "Accept-Language": language };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (method === "POST") headers["Idempotency-Key"] = uuid();
  return headers;
}

function understood(status, text) {
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    throw new Problem(status, { detail: t("problem.unreadable"), code: "unreadable" });
  }
  if (status === 401) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  if (status >= 400) throw new Problem(status, body ?? { detail: t("problem.unreadable"), code: "unreadable" });
  return body;
}
