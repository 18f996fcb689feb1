// What the page asks its own server. The key that was typed lives here, in memory alone.

let key = "";

export function setKey(typed) {
  key = typed;
}

export const hasKey = () => key !== "";

export class ServerError extends Error {
  constructor(message, status, asksForKey = false) {
    super(message);
    this.status = status;
    this.asksForKey = asksForKey;
  }
}

export const describeServer = () => ask("page/models");
export const readDocuments = (pasted, signal) => ask("page/documents", pasted, signal);
export const rerank = (body, signal) => ask("api/v1/rerank", body, signal);

async function ask(path, body, signal) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const options = { headers, signal, cache: "no-store", credentials: "omit", redirect: "error" };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  }
  let response, text;
  try {
    response = await fetch(path, options);
    text = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerError("The server does not answer. See whether it still runs.", null);
  }
  const content = parse(text);
  const said = content?.error;
  if (response.ok && content !== undefined && !said) return content;
  // OpenRouter's own 401 comes without this header: then its key is wrong, not the one typed here.
  const asksForKey = response.status === 401 && response.headers.has("WWW-Authenticate");
  const status = response.ok ? (said?.code ?? null) : response.status;
  throw new ServerError(said?.message ?? "The server's reply is not JSON.", status, asksForKey);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
