// The page as `visavis serve` sends it, with the demo models answering.
//
//   VISAVIS=program VISAVIS_SOURCE=repository node --test serve_test.mjs
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, afterEach, before, test} from 'node:test';
import {launch, openPage, quickest, seriousFaults} from './browser.mjs';

const source = process.env.VISAVIS_SOURCE;
const folder = mkdtempSync(join(tmpdir(), 'visavis-serve-'));

function serve(args, environment = {}) {
  const child = spawn(process.env.VISAVIS, ['serve', 'demo-qwen3-vl', 'demo-llava', '--port', '0', '--threads', '1', ...args],
      {cwd: folder, env: {...process.env, ...environment}});
  let said = '';
  child.stderr.on('data', piece => (said += piece));
  const ended = new Promise(resolve => child.on('exit', resolve));
  return new Promise((resolve, reject) => {
    child.stdout.on('data', piece => {
      const url = / at (http:\/\/127\.0\.0\.1:\d+)/.exec(String(piece))?.[1];
      if (url) resolve({url: url + '/', end: () => (child.kill('SIGINT'), ended)});
    });
    ended.then(code => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
}

let server, browser, opened;
let known = true;  // whether this server has the page's own routes

before(async () => {
  server = await serve([]);
  known = (await fetch(server.url + 'api/state')).ok;
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.end();
  rmSync(folder, {recursive: true, force: true});
});
// A browser notes the 404 of a server without the page's own routes; that alone may be there.
const unexpected = problems => (known ? problems : problems.filter(line => !line.includes('404')));
afterEach(() => opened?.context.close());
async function open(path = '', options = {}, url = server.url) {
  opened = await openPage(browser, url, options);
  opened.page.setDefaultTimeout(60_000);
  await opened.page.goto(url + path);
  return opened.page;
}

const item = readFileSync(join(source, 'suites/demo/items.jsonl'), 'utf8').split('\n').filter(Boolean).map(JSON.parse)
    .find(each => each.lang === 'zh' && each.images.length === 2);
const pictures = item.images.map(image => join(source, 'suites/demo', image));
async function ask(page) {
  await page.locator('#files').setInputFiles(pictures);
  await page.locator('.thumb').nth(1).waitFor();
  await page.getByLabel('Prompt', {exact: true}).fill(item.question);
  await page.keyboard.press('Control+Enter');
  await page.waitForFunction(() => document.querySelectorAll('.state').length === 2 &&
      [...document.querySelectorAll('.state')].every(s => !/waiting|answering/.test(s.textContent)));
}
const direct = async model => {
  const content = [...pictures.map(file => ({type: 'image_url',
    image_url: {url: `data:image/${file.split('.').at(-1)};base64,${readFileSync(file).toString('base64')}`}})),
  {type: 'text', text: item.question}];
  const response = await fetch(server.url + 'v1/chat/completions', {method: 'POST', headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({model, messages: [{role: 'user', content}], temperature: 0, max_tokens: 256})});
  return (await response.json()).choices[0].message.content;
};

test('both models answer side by side what they answer any other client, with their figures', async () => {
  const page = await open();
  await ask(page);
  for (const [i, model] of ['demo-qwen3-vl', 'demo-llava'].entries()) {
    const answer = page.locator('.live-answer').nth(i);
    assert.match(await answer.innerText(), new RegExp(model));
    assert.equal((await answer.locator('.markdown').innerText()).trim(), (await direct(model)).trim());
    const figures = await answer.locator('dd').allInnerTexts();
    assert.ok(figures.length >= 5);
    for (const figure of figures) assert.match(figure, /^[\d.]+/, figures.join(' '));
  }
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual(unexpected(opened.problems), []);
});

test('the first view stands within a second, under a policy that allows nothing from elsewhere', async () => {
  const headers = (await fetch(server.url)).headers;
  assert.match(headers.get('content-security-policy'), /default-src 'self'/);
  assert.doesNotMatch(headers.get('content-security-policy'), /unsafe/);
  const drawn = await quickest(1000, async () => {
    const page = await open();
    await page.getByLabel('Prompt', {exact: true}).waitFor();
    const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
    await opened.context.close();
    return painted;
  });
  console.log(`first view after ${Math.round(drawn)} ms`);
  assert.ok(drawn < 1000, `drawn after ${drawn} ms, wanted 1000`);
});

test('in blind mode names and figures stay hidden until they are asked for', async () => {
  const page = await open();
  await page.getByRole('checkbox', {name: /^Blind/}).check();
  await ask(page);
  assert.doesNotMatch(await page.locator('.round').innerText(), /demo-|TTFT/);
  await page.getByRole('button', {name: 'Reveal without a vote'}).click();
  assert.match(await page.locator('.round').innerText(), /demo-llava[^]*TTFT|TTFT[^]*demo-llava/);
});

test('the models page tells what is resident and what it holds', async () => {
  const page = await open('#/models');
  await page.locator('.card.model').nth(1).waitFor();
  const text = await page.innerText('main');
  for (const fact of ['demo-qwen3-vl', 'demo-llava', 'Qwen3VLForConditionalGeneration', 'LlavaForConditionalGeneration', 'int4', 'MiB'])
    assert.ok(text.includes(fact), `${fact} in ${text}`);
  assert.deepEqual(await seriousFaults(page), []);
});

test('a server with a key asks for it before it shows anything', async () => {
  const locked = await serve([], {VISAVIS_API_KEY: 'secret'});
  try {
    const page = await open('', {}, locked.url);
    await page.getByLabel('Key', {exact: true}).fill('secret');
    await page.keyboard.press('Enter');
    await ask(page);
    assert.equal(await page.locator('.state', {hasText: 'done'}).count(), 2);
    await opened.context.close();
  } finally {
    await locked.end();
  }
});
