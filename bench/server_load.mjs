// Load on a running server: many clients at once, pictures of several sizes, streamed and not, some
// of which go away in the middle. Prints answers and errors by status, the server's memory, and how
// long requests waited.
//
// Usage: node bench/server_load.mjs [URL] [--clients 64] [--minutes 10] [--warmup 60]
//   visavis serve demo-qwen3-vl demo-llava & node bench/server_load.mjs
// Exit code 1: a response that was neither 200 nor 429, or memory that grew after the warm-up.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string', default: '64' },
    minutes: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '60' },  // seconds
    prompts: { type: 'string', default: '8' },  // long ones for each model before the load
    growth: { type: 'string', default: '5' },  // per cent of memory after the warm-up that may come
  },
});
const url = positionals[0] ?? 'http://127.0.0.1:8080';
const headers = { 'content-type': 'application/json' };
if (process.env.VISAVIS_API_KEY) headers.authorization = `Bearer ${process.env.VISAVIS_API_KEY}`;

const suites = path.join(path.dirname(fileURLToPath(import.meta.url)), '../suites');
const pictures = ['demo/pictures', 'demo/photographs', 'classic/pictures']
  .map((folder) => path.join(suites, folder))
  .filter((folder) => fs.existsSync(folder))
  .flatMap((folder) => fs.readdirSync(folder).map((name) => path.join(folder, name)))
  .filter((name) => /\.(webp|png|jpg)$/.test(name));
const types = { '.webp': 'image/webp', '.png': 'image/png', '.jpg': 'image/jpeg' };

const { data: models } = await (await fetch(`${url}/v1/models`, { headers })).json();
const statuses = new Map();
const queued = [];
let abandoned = 0;
const count = (status) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
const pick = (list) => list[Math.floor(Math.random() * list.length)];
const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

function request() {
  const content = [{ type: 'text', text: pick(['What is on the desk?', '图中有什么？', 'Describe it.']) }];
  for (let i = pick([0, 1, 1, 1, 2]); i > 0; i -= 1) {
    const file = pick(pictures);
    content.push({
      type: 'image_url',
      image_url: {
        url: `data:${types[path.extname(file)]};base64,${fs.readFileSync(file).toString('base64')}`,
      },
    });
  }
  return {
    model: pick(models).id, messages: [{ role: 'user', content }], max_tokens: pick([8, 32, 96]),
    temperature: 1, stream: Math.random() < 0.5,
  };
}

/**
 * Long prompts, each of other words, until the pages of every model's cache have been used once: they
 * are reserved when a model is loaded, but the system counts them as the process's own from first use.
 */
async function fillCaches() {
  const words = (count) => Array.from({ length: count }, () => Math.random().toString(36).slice(2, 7)).join(' ');
  for (const { id, visavis } of models) {
    const say = async (count) => {
      const reply = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(
        { model: id, messages: [{ role: 'user', content: words(count) }], max_tokens: 1 }) });
      return (await reply.json()).usage.prompt_tokens;
    };
    const perWord = await say(100) / 100;
    const count = Math.floor(0.6 * visavis.context / perWord);
    for (let i = 0; i < Number(values.prompts); i += 1) await say(count);
  }
}

/** One request; resolves to the seconds to wait before the next one. */
async function ask() {
  const body = request();
  const leaving = Math.random() < 0.05 ? new AbortController() : undefined;
  if (leaving) setTimeout(() => leaving.abort(), Math.random() * 300);
  try {
    const reply = await fetch(`${url}/v1/chat/completions`,
      { method: 'POST', headers, body: JSON.stringify(body), signal: leaving?.signal });
    const text = await reply.text();
    count(reply.status);
    if (reply.status === 429) return Number(reply.headers.get('retry-after') ?? 1);
    if (reply.status !== 200) {
      console.error(`status ${reply.status}: ${text.slice(0, 200)}`);
      return 1;
    }
    const last = body.stream
      ? JSON.parse(text.trim().split('\n\n').at(-2).slice('data: '.length))
      : JSON.parse(text);
    if (body.stream && !text.endsWith('data: [DONE]\n\n')) count('cut off');
    queued.push(last.timings.queued_s);
  } catch (error) {
    if (error.name === 'AbortError') abandoned += 1;
    else {
      count(error.cause?.code ?? error.name);
      console.error(String(error.cause ?? error));
    }
  }
  return 0;
}

async function resident() {
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  return Number(text.match(/^process_resident_memory_bytes (\d+)/m)[1]);
}

await fillCaches();
const begin = Date.now();
const end = begin + Number(values.minutes) * 60_000;
const memory = { start: await resident() };
const client = async () => {
  while (Date.now() < end) {
    const seconds = await ask();
    if (seconds > 0) await pause(Math.min(seconds * 1000, Math.max(end - Date.now(), 0)));
  }
};
const clients = Array.from({ length: Number(values.clients) }, client);
let most = 0;
const watch = (async () => {
  await pause(Math.min(Number(values.warmup) * 1000, (end - begin) / 2));
  memory.warm = await resident();
  while (Date.now() < end) {
    await pause(Math.min(5000, Math.max(end - Date.now(), 1)));
    most = Math.max(most, await resident());
  }
})();
await Promise.all([...clients, watch]);
memory.end = await resident();
memory.most = Math.max(most, memory.end);

queued.sort((a, b) => a - b);
const quantile = (q) => queued[Math.min(queued.length - 1, Math.floor(q * queued.length))];
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const seconds = (Date.now() - begin) / 1000;
console.log(`${values.clients} clients, ${(seconds / 60).toFixed(1)} minutes, ${pictures.length} pictures, ` +
  `models ${models.map((model) => model.id).join(', ')}`);
console.log(`responses by status: ${[...statuses].map(([status, n]) => `${status}: ${n}`).join(', ')}; ` +
  `given up by the client: ${abandoned}; ${(queued.length / seconds).toFixed(1)} answers/s`);
console.log(`waiting before the model: p50 ${quantile(0.5)?.toFixed(3)} s, p95 ${quantile(0.95)?.toFixed(3)} s, ` +
  `longest ${queued.at(-1)?.toFixed(3)} s`);
console.log(`resident memory: start ${mib(memory.start)}, after ${values.warmup} s ${mib(memory.warm)}, ` +
  `end ${mib(memory.end)}, most after that ${mib(memory.most)}`);
const bad = [...statuses.keys()].filter((status) => status !== 200 && status !== 429);
const grown = (memory.end / memory.warm - 1) * 100;
if (bad.length > 0) console.log(`failed: ${bad.join(', ')}`);
if (grown > Number(values.growth)) console.log(`memory grew by ${grown.toFixed(1)} %`);
process.exit(bad.length > 0 || grown > Number(values.growth) ? 1 : 0);
