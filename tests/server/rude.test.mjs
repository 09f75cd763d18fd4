// Clients that misbehave, against the real program; server/rude_clients_test.cpp has more of them.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { metric, picture, serve, until } from './program.mjs';

let server;
before(async () => { server = await serve(); });
after(async () => { assert.equal(await server.end('SIGTERM'), 0); });

/** Sends the pieces as they are and resolves to everything that comes until the end. */
function raw(pieces, { halfClose = false } = {}) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(server.port, '127.0.0.1');
    let got = '';
    socket.on('data', (piece) => { got += piece; });
    socket.on('close', () => resolve(got));
    socket.on('error', (error) => (got === '' ? reject(error) : resolve(got)));
    for (const piece of pieces) socket.write(piece);
    if (halfClose) socket.end();
  });
}

const head = (length, type = 'application/json') =>
  'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n' +
  `Content-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
const post = (body, type) => fetch(`${server.url}/v1/chat/completions`,
  { method: 'POST', headers: { 'content-type': type ?? 'application/json' }, body });

test('slow-loris clients are cut off and keep nobody waiting', async () => {
  const begin = Date.now();
  const slow = Array.from({ length: 100 }, () => raw(['GET /health HTTP/1.1\r\n']));
  const fine = await fetch(`${server.url}/health`);
  assert.equal(fine.status, 200);
  assert.ok(Date.now() - begin < 5000);
  await Promise.all(slow);
  assert.ok(Date.now() - begin < 30_000);
});

test('a client that closes its half while it waits is gone, and nothing of it stays', async () => {
  const body = JSON.stringify({
    model: 'demo-llava', max_tokens: 3500, temperature: 2,
    messages: [{ role: 'user', content: 'x' }],
  });
  await raw([head(body.length), body], { halfClose: true });
  await until(async () => (await metric(server, 'visavis_answering{model="demo-llava"}')) === 0);
});

test('a body of 100 MB is refused without being kept', async () => {
  const before = await metric(server, 'process_resident_memory_bytes');
  const reply = await raw([head(100e6), Buffer.alloc(100e6, 32)]);
  assert.match(reply, /^HTTP\/1\.1 413 /);
  assert.match(reply, /larger than 32\.0 MB/);
  assert.ok((await metric(server, 'process_resident_memory_bytes')) - before < 20e6);
});

test('what is no JSON, or no JSON object, is said to be so', async () => {
  for (const body of ['', '{', '[]', '{"messages":', '\u0000', '['.repeat(100_000), '"x"']) {
    const reply = await post(body);
    assert.equal(reply.status, 400, body.slice(0, 20));
    assert.equal((await reply.json()).error.type, 'invalid_request_error');
  }
});

test('multipart and form bodies are refused by name', async () => {
  const form = new FormData();
  form.append('file', new Blob(['x']), 'x.png');
  const multipart = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: form });
  assert.equal(multipart.status, 415);
  assert.match((await multipart.json()).error.message, /multipart\/form-data.*wanted application\/json/);
  assert.equal((await post('a=b', 'application/x-www-form-urlencoded')).status, 415);
});

test('no path leads out', async () => {
  for (const path of ['/../../etc/passwd', '/v1/models/../../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd',
    '/v1/models/%2fetc%2fpasswd', '/..\\..\\etc\\passwd', '//etc/passwd', '/v1/models/....//']) {
    const reply = await raw([`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`]);
    assert.match(reply, /^HTTP\/1\.1 404 /, path);
    assert.doesNotMatch(reply, /root:/);
  }
});

test('pages of other sites and other names for this machine are refused', async () => {
  for (const header of ['Host: evil.example', 'Host: localhost\r\nOrigin: http://evil.example']) {
    const reply = await raw([`GET /v1/models HTTP/1.1\r\n${header}\r\nConnection: close\r\n\r\n`]);
    assert.match(reply, /^HTTP\/1\.1 403 /);
    assert.doesNotMatch(reply, /Access-Control-Allow/);
  }
});

test('local files and addresses are never read as pictures', async () => {
  for (const url of ['file:///etc/passwd', 'http://127.0.0.1:1/x.png', '/etc/passwd']) {
    const reply = await post(JSON.stringify({
      model: 'demo-llava',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    }));
    assert.equal(reply.status, 400);
    assert.match((await reply.json()).error.message, /data: URL/);
  }
});

test('the log names no picture and no question', async () => {
  const url = picture();
  const reply = await post(JSON.stringify({
    model: 'demo-llava', max_tokens: 2,
    messages: [{
      role: 'user',
      content: [{ type: 'text', text: 'a secret question' }, { type: 'image_url', image_url: { url } }],
    }],
  }));
  assert.equal(reply.status, 200);
  await until(async () => /chat\/completions 200 .*demo-llava, 1 picture/.test(server.log()));
  assert.doesNotMatch(server.log(), /secret/);
  assert.ok(!server.log().includes(url.slice(40, 80)));
});

test('another machine is not let in without a key', async () => {
  await assert.rejects(serve(['--host', '0.0.0.0']), /needs --api-key/);
});

test('what is under way may end when the server stops', async () => {
  const other = await serve();
  const reply = await fetch(`${other.url}/v1/chat/completions`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'demo-qwen3-vl', stream: true, max_tokens: 500, temperature: 2, seed: 1,
      messages: [{ role: 'user', content: 'x' }],
    }),
  });
  const text = reply.text();
  assert.equal(await other.end('SIGTERM'), 0);
  assert.match(await text, /data: \[DONE\]\n\n$/);
});
