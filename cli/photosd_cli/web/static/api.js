// Requests to `photosd web`. Each change carries a header that other sites cannot send.
const HEADERS = { "x-photosd": "1" };

/** What the daemon or the server reports: title, message, remedy, code. */
export class Problem extends Error {
  constructor(error, status) {
    super(error.message || error.title);
    Object.assign(this, error, { status });
  }
}

async function checked(response) {
  if (response.ok) return response;
  if (response.status === 401) document.dispatchEvent(new Event("photosd-session"));
  let error = { title: response.statusText, message: response.statusText, remedy: "", code: "" };
  try { error = (await response.json()).error; } catch { /* not in JSON */ }
  throw new Problem(error, response.status);
}

async function send(path, body, signal) {
  let response;
  try {
    response = await fetch(path, { method: "POST", headers: HEADERS, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ code: "server_gone", message: "photosd web", remedy: "" }, 0);
  }
  return checked(response);
}

/** The result of a request. */
export const post = async (name, params = {}, signal) =>
  (await send(`/api/${name}`, JSON.stringify(params), signal)).json();

/** Each line of a streamed result. */
export async function* lines(name, params, signal) {
  const reader = (await send(`/api/${name}`, JSON.stringify(params), signal)).body
    .pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

/** The name of a dropped picture. */
export const drop = async (file) => (await (await send("/api/dropped", file)).json()).name;

export const picture = (content, pixels) => `/picture/${content}/${pixels}`;
export const dropped = (name) => `/dropped/${name}`;
export const original = (content) => `/original/${content}`;
