// The routes of the page, against the real program.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { serve, until } from './program.mjs';

let server;
let folder;
before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'visavis-page-'));
  server = await serve(['--runs', folder, '--price', '2', '--api-key', 'secret']);
});
after(async () => {
  assert.equal(await server.end(), 0);
  fs.rmSync(folder, { recursive: true });
});

const headers = { authorization: 'Bearer secret', 'content-type': 'application/json' };
async function get(route) {
  const reply = await fetch(server.url + route, { headers });
  assert.equal(reply.status, 200, `${route}: ${reply.status}`);
  return reply.json();
}
const post = (route, body = {}) =>
  fetch(server.url + route, { method: 'POST', headers, body: JSON.stringify(body) });

test('the page comes without a key, with its policy, and asks for one', async () => {
  const reply = await fetch(server.url);
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get('content-type'), /text\/html/);
  assert.match(reply.headers.get('content-security-policy'), /default-src 'self'/);
  assert.equal((await fetch(`${server.url}/api/state`)).status, 401);
});

test('models are listed, planned, loaded and unloaded', async () => {
  const state = await get('/api/state');
  assert.deepEqual(state.models.map((model) => model.state), ['resident', 'resident']);
  assert.equal(state.price_per_hour, 2);
  assert.ok(state.suites.some((suite) => suite.name === 'demo' && suite.questions > 100));
  const plan = await (await post('/api/models/plan',
    { model: 'demo-llava', options: { weights: 'f32' } })).json();
  assert.ok(plan.memory.weights_bytes > state.models[1].memory.weights_bytes);
  assert.equal((await post('/api/models/unload', { model: 'demo-llava' })).status, 200);
  assert.equal((await get('/api/state')).models[1].state, 'available');
  const loaded = await post('/api/models/load', { model: 'demo-llava', options: { ctx: 2048 } });
  assert.equal((await loaded.json()).context, 2048);
  const refused = await post('/api/models/load', { model: '/etc' });
  assert.equal(refused.status, 404);
});

test('a comparison runs, is stopped, goes on, is opened, judged and weighed', async () => {
  const suite = (await get('/api/state')).suites.find((each) => each.name === 'demo').path;
  const started = await post('/api/runs',
    { suite, models: ['demo-qwen3-vl', 'demo-llava'], limit: 12, max_time: '10m' });
  const { id } = await started.json();
  await until(async () => (await get('/api/runs'))[0]?.answers_done > 0, 250);
  await post(`/api/runs/${id}/stop`);  // 409 if it has ended by itself
  const events = async () => {
    const reply = await fetch(`${server.url}/api/runs/${id}/events`, { headers });
    return (await reply.text()).trim().split('\n\n').map((line) => JSON.parse(line.slice(6)));
  };
  let last = (await events()).at(-1);
  if (last.answers_done < 24) {
    assert.equal(last.state, 'stopped');
    assert.equal((await post(`/api/runs/${id}/resume`)).status, 200);
    last = (await events()).at(-1);
  }
  assert.equal(last.answers_done, 24);
  const run = await get(`/api/runs/${id}`);
  assert.equal(run.models.length, 2);
  const verdict = await post(`/api/runs/${id}/verdicts`,
    { item: run.items[0].index, model: 'demo-llava', grade: 'full', by: 'Li' });
  assert.equal(verdict.status, 204);
  assert.notDeepEqual(await get(`/api/runs/${id}`), run);
  const advice = await post(`/api/runs/${id}/recommend`,
    { weights: { quality: 1, speed: 0.2, memory: 0.1, cost: 0.1 }, max_bytes: 1e9 });
  assert.ok((await advice.json()).sentence.zh.length > 5);
  // The key went into no file of the run.
  for (const name of fs.readdirSync(path.join(folder, id)))
    assert.ok(!fs.readFileSync(path.join(folder, id, name)).includes('--api-key,secret') &&
      !fs.readFileSync(path.join(folder, id, name)).includes('"secret"'), name);
});
