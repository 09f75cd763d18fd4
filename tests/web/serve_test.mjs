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

before(async () => {
  server = await serve(['--runs', join(folder, 'runs'), '--price', '2']);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.end();
  rmSync(folder, {recursive: true, force: true});
});
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
  assert.deepEqual(opened.problems, []);
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

test('a blind vote is kept, with its pictures, in a run that opens and counts like any other', async () => {
  const page = await open();
  await page.getByRole('checkbox', {name: /^Blind/}).check();
  await ask(page);
  const chosen = await page.locator('.live-answer').nth(1).locator('.markdown').innerText();
  await page.getByRole('group', {name: 'Your verdict B'}).getByRole('button', {name: 'partly right'}).click();
  await page.getByRole('group', {name: 'Which is better?'}).getByRole('button', {name: 'Answer B'}).press('Enter');
  await page.getByText('Your vote is kept').waitFor();
  assert.match(await page.locator('.live-answer').nth(1).innerText(), /your vote/);
  const winner = /demo-[a-z0-9-]+/.exec(await page.locator('.live-answer').nth(1).innerText())[0];
  await page.getByRole('status').getByRole('link', {name: 'Open'}).click();
  const card = page.locator('article.item').first();
  await card.getByText(item.question).waitFor();
  assert.equal(await card.locator('.pictures img').count(), 2);
  const shown = card.locator('.answer', {hasText: winner});
  assert.equal((await shown.locator('.words').innerText()).trim(), chosen.trim());
  assert.equal(await shown.locator('.badge').innerText(), 'partly right');
  await page.getByText(/1 votes of 1 people/).first().waitFor();
  const run = await (await fetch(server.url + 'api/runs/live')).json();
  const strength = name => run.votes.strengths.find(row => row.model === name).strength;
  assert.ok(strength(winner) > 0 && run.votes.votes === 1, JSON.stringify(run.votes));
  assert.ok(run.items[0].answers.every(answer => answer.e2e > 0 && answer.ttft > 0), 'with the times that were measured');
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual(opened.problems, []);
});

test('a run starts, stops, goes on, opens later, and verdicts change its statistics', async () => {
  // The sanitizer build has time for few questions.
  const questions = Math.min(40, Number(process.env.VISAVIS_QUESTIONS ?? 40));
  let page = await open('#/runs');
  await page.locator('#suite').selectOption(join(source, 'suites/demo'));
  await page.getByLabel('At most questions').fill(String(questions));
  await page.getByRole('button', {name: 'Start', exact: true}).click();
  const card = page.locator('article.run').first();
  await card.getByText('running').waitFor();
  await card.getByText(/^demo-(qwen3-vl|llava) · /).waitFor();
  await page.waitForFunction(() => document.querySelector('article.run progress').value > 0);
  await card.getByRole('button', {name: 'Stop'}).click();
  await card.getByText('stopped').waitFor();
  const halfway = await card.locator('progress').first().evaluate(bar => [bar.value, bar.max]);
  assert.ok(halfway[0] > 0 && halfway[0] < halfway[1], `stopped at ${halfway}`);
  await card.getByRole('button', {name: 'Go on'}).click();
  await card.getByText('running').waitFor();
  const id = (await (await fetch(server.url + 'api/runs')).json()).find(run => run.state === 'running').id;
  // Who asks a model meanwhile is told why there is no answer.
  await page.getByRole('link', {name: 'Compare live'}).click();
  await page.getByLabel('Prompt', {exact: true}).fill('Now?');
  await page.keyboard.press('Control+Enter');
  await page.getByText('A comparison is running').first().waitFor();
  await page.getByRole('link', {name: 'Runs', exact: true}).click();
  await card.getByText('finished').waitFor({timeout: 120_000});
  assert.equal(await card.getByRole('button').count(), 0);
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual(opened.problems.filter(line => !line.includes('503')), []);
  await opened.context.close();

  // An old run, opened by somebody else.
  page = await open('#/runs');
  await page.locator(`article.run a.button[href="#/run/${id}"]`).click();
  const people = page.locator('section.block', {has: page.getByRole('heading', {name: 'Judged by people'})});
  await page.locator('article.item').first().waitFor();
  assert.equal(await people.count(), 0);
  const shares = () => page.locator('.overview').innerText();
  const before = await shares();
  for (const [i, answers] of [[0, '1'], [1, '2']]) {
    const right = page.locator('.answer.full').nth(i);
    await right.getByRole('button', {name: i === 0 ? 'right' : 'wrong', exact: true}).click();
    await page.getByText('kept with the run').nth(i).waitFor();
    await people.locator('tbody td').nth(1).getByText(answers, {exact: true}).waitFor();
    if (i === 0) assert.equal(await shares(), before, 'a verdict that agrees changes no share');
  }
  assert.match(await people.locator('tbody td').nth(2).innerText(), /^50\.0 %/, 'one of two verdicts agrees');
  assert.notEqual(await shares(), before, 'the answer no longer counts as right');
  await people.getByText(/1 of them were graded otherwise/).waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual(opened.problems, []);
});
