// TTFT and TPOT of a running server as a public client measures them (openai's package), beside what `visavis run`
// writes down as a client of the same server, in turns. TTFT: from the request to the first chunk with text; TPOT: from
// there to the last chunk over the tokens but one. Exit code 1: the median of the rounds' ratios is more than 2 % away.
//
// Usage: node bench/client_latency.mjs VISAVIS URL MODEL [PICTURE]        (after npm ci --prefix tests/server)
//   visavis serve MODEL --no-prefix-cache --no-vision-cache & node bench/client_latency.mjs visavis http://127.0.0.1:8080/v1 MODEL
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';

const { default: OpenAI } = createRequire(new URL('../tests/server/', import.meta.url))('openai');
const [program, baseURL, model, picture] = process.argv.slice(2);
const text = 'Describe what there is to see, from the left to the right, and say what may happen next.';
const tokens = 32;
const rounds = 24;
const client = new OpenAI({ baseURL, apiKey: process.env.VISAVIS_API_KEY ?? 'none' });

function ours() {
  const args = ['run', `${baseURL}#${model}`, '-p', text, '--max-tokens', `${tokens}`, '--json'];
  if (picture) args.push('-i', picture);
  const { timing } = JSON.parse(execFileSync(program, args, { stdio: ['ignore', 'pipe', 'ignore'] }));
  return { ttft: timing.ttft_s, tpot: timing.tpot_s };
}

async function theirs() {
  const content = [{ type: 'text', text }];
  if (picture) {
    const data = fs.readFileSync(picture).toString('base64');
    content.unshift({ type: 'image_url', image_url: { url: `data:image/${picture.split('.').pop()};base64,${data}` } });
  }
  const begin = performance.now();
  const stream = await client.chat.completions.create({
    model, messages: [{ role: 'user', content }], max_tokens: tokens, temperature: 0, stream: true,
    stream_options: { include_usage: true },
  });
  let first;
  let last;
  let count;
  for await (const chunk of stream) {
    const delta = chunk.choices[0]?.delta?.content;
    if (delta) {
      last = performance.now();
      first ??= last;
    }
    count = chunk.usage?.completion_tokens ?? count;
  }
  return { ttft: (first - begin) / 1e3, tpot: (last - first) / 1e3 / (count - 1) };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
await theirs();
const measured = { visavis: [], openai: [] };
for (let round = 0; round < rounds; ++round) {
  if (round % 2) measured.visavis.push(ours());
  measured.openai.push(await theirs());
  if (round % 2 === 0) measured.visavis.push(ours());
}
let far = false;
for (const name of ['ttft', 'tpot']) {
  const [here, there] = ['visavis', 'openai'].map((who) => median(measured[who].map((one) => one[name] * 1e3)));
  const ratio = median(measured.visavis.map((one, round) => one[name] / measured.openai[round][name])) - 1;
  far ||= !(Math.abs(ratio) <= 0.02);
  console.log(`${name}: visavis ${here.toFixed(2)} ms, openai ${there.toFixed(2)} ms, ratio ${(ratio * 100).toFixed(2)} %`);
}
process.exit(far ? 1 : 0);
