// The server's routes. Errors come as one line; a refused key is asked for once and kept for the tab.
import {readEvents} from './sse';

export class ApiError extends Error {
  constructor(message: string, readonly status: number, readonly code: string | null = null) {
    super(message);
  }
}

const KEY = 'visavis-key';
export const access = {
  /** Called when the server wants a key; gives the new one, or null if the user has none. */
  ask: async (): Promise<string | null> => null,
};
const kept = () => {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
};
let key = kept();

export const hasKey = () => key !== null;

async function send(path: string, init: RequestInit): Promise<Response> {
  for (;;) {
    const headers = new Headers(init.headers);
    if (key) headers.set('Authorization', `Bearer ${key}`);
    const response = await fetch(path, {...init, headers});
    if (response.status !== 401) return response;
    const given = await access.ask();
    if (given === null) return response;
    key = given;
    try {
      sessionStorage.setItem(KEY, given);
    } catch {
      // then it holds until the page is closed
    }
  }
}

async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  let message = `${response.status} ${response.statusText}`;
  let code = null;
  try {
    ({message, code} = (await response.json()).error);
  } catch {
    // not ours: the status says what is known
  }
  throw new ApiError(message, response.status, code);
}

const posted = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: {'Content-Type': 'application/json'},
  body: JSON.stringify(body),
});

export const get = async <T>(path: string): Promise<T> => (await checked(await send(path, {}))).json();

export async function post<T = void>(path: string, body: unknown = {}): Promise<T> {
  const text = await (await checked(await send(path, posted(body)))).text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

export const picture = async (path: string) =>
    URL.createObjectURL(await (await checked(await send(path, {}))).blob());

/** The events of a streamed answer, each parsed; ends at [DONE] or when the server closes. */
export async function* stream<T>(path: string, signal: AbortSignal, body?: unknown): AsyncGenerator<T> {
  const response = await checked(await send(path, {...(body === undefined ? {} : posted(body)), signal}));
  for await (const data of readEvents(response.body!)) {
    if (data === '[DONE]') return;
    const event = JSON.parse(data);
    if (event.error) throw new ApiError(event.error.message, response.status);
    yield event;
  }
}
