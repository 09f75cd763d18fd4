// The server's page against a stand-in for the server (fixture.mjs): every control does what it says,
// and shows what came back.
//
//   VISAVIS=program VISAVIS_SOURCE=repository node --test app_test.mjs
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {after, afterEach, before, beforeEach, test} from 'node:test';
import {launch, openPage, seriousFaults} from './browser.mjs';
import {Fixture} from './fixture.mjs';
import {smallRun} from './small_run.mjs';

const dist = join(process.env.VISAVIS_SOURCE, 'web/dist');
let browser, run, fixture, opened;

before(async () => {
  run = smallRun(1);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  if (run) rmSync(run.folder, {recursive: true, force: true});
});
beforeEach(async () => {
  const report = JSON.parse(JSON.stringify(run.data));
  report.models.forEach((model, m) => (model.label = ['alpha', 'beta'][m]));
  fixture = new Fixture({dist, report});
  await fixture.start();
});
afterEach(async () => {
  await opened?.context.close();
  await fixture.stop();
});
async function open(path = '', options = {}) {
  opened = await openPage(browser, fixture.url, options);
  await opened.page.goto(fixture.url + path);
  return opened.page;
}
const ask = async (page, prompt = 'How many cups?') => {
  await page.getByLabel('Prompt', {exact: true}).fill(prompt);
  await page.keyboard.press('Control+Enter');
};
const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const picture = (name = 'cup.png') => ({name, mimeType: 'image/png', buffer: pixel});

test('asks every model the same, shows answers as they come, and cleans what they write', async () => {
  let release;
  fixture.hold = new Promise(resolve => (release = resolve));
  const page = await open();
  await page.locator('#files').setInputFiles([picture(), picture('other.png')]);
  await page.getByRole('button', {name: 'Remove: other.png'}).click();
  await ask(page);
  const answers = page.locator('.live-answer');
  await answers.nth(1).getByText('One cup').waitFor();
  assert.equal(await answers.nth(0).locator('strong', {hasText: 'Two'}).count(), 1, 'Markdown is drawn while it comes');
  assert.match(await answers.nth(0).innerText(), /answering/);
  release();
  await page.waitForFunction(() => [...document.querySelectorAll('.live-answer .state')].every(s => s.textContent === 'done'));
  const text = (await answers.nth(0).innerText()).replace(/\s+/g, ' ');
  for (const figure of ['alpha', 'Two cups.', '125 ms', '1.80 s', '100.0', '60.0 MiB', '0.001 CNY']) assert.ok(text.includes(figure), `${figure} in ${text}`);
  assert.equal(await page.locator('.live-answer img, .live-answer a, .live-answer [onerror]').count(), 0);
  assert.match(await answers.nth(1).innerText(), /<img src=x onerror=alert\(1\)>/, 'HTML is shown, not obeyed');
  const [first, second] = fixture.asked('/v1/chat/completions').map(request => request.body);
  assert.deepEqual([first.model, second.model].sort(), ['alpha', 'beta']);
  assert.deepEqual(first.messages, second.messages);
  assert.deepEqual(first.messages[0].content.map(part => part.type), ['image_url', 'text']);
  assert.equal(first.messages[0].content[0].image_url.url, `data:image/png;base64,${pixel.toString('base64')}`);
  assert.deepEqual(opened.problems, []);
});

test('takes pictures by drop and paste and says what is none or too large', async () => {
  const page = await open();
  await page.getByLabel('Prompt', {exact: true}).waitFor();
  const give = (kind, type, size) => page.evaluate(([kind, type, size]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(size)], `x.${type.split('/')[1]}`, {type}));
    const event = kind === 'drop' ? new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true}) :
        new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true, cancelable: true});
    document.body.dispatchEvent(event);
  }, [kind, type, size]);
  await give('drop', 'image/png', 10);
  await give('paste', 'image/jpeg', 10);
  await page.locator('.thumb').nth(1).waitFor();
  await give('drop', 'text/plain', 10);
  await page.getByText('That is no picture.').waitFor();
  await give('drop', 'image/png', 1 << 20);
  await page.getByText('The pictures are larger than the server takes.').waitFor();
  await page.getByLabel('Prompt', {exact: true}).fill('x');
  assert.ok(await page.getByRole('button', {name: /^Ask/}).isDisabled());
});

test('stops answers, and tells an error in the server’s words', async () => {
  fixture.hold = new Promise(() => {});
  const page = await open();
  await ask(page);
  await page.getByRole('button', {name: 'Stop'}).click();
  await page.waitForFunction(() => [...document.querySelectorAll('.live-answer .state')].every(s => s.textContent === 'stopped'));
  fixture.hold = null;
  delete fixture.answers.beta;
  fixture.chat = (response, body) => {
    response.writeHead(429, {'Content-Type': 'application/json', 'Retry-After': '1'});
    response.end(JSON.stringify({error: {message: `the queue of ${body.model} is full`}}));
  };
  await ask(page, 'Again?');
  await page.getByText('the queue of beta is full').waitFor();
});

test('a blind vote hides names and figures until it is given, and carries everything', async () => {
  const page = await open();
  await page.getByRole('checkbox', {name: /^Blind/}).check();
  await page.locator('#files').setInputFiles([picture()]);
  await ask(page);
  await page.getByRole('button', {name: 'Equally good'}).waitFor();
  const hidden = await page.locator('.round').innerText();
  for (const secret of ['alpha', 'beta', 'TTFT', '125 ms']) assert.ok(!hidden.includes(secret), `${secret} shows`);
  const [first] = await page.locator('.live-answer .markdown').allInnerTexts();
  await page.getByRole('group', {name: 'Your verdict A'}).getByRole('button', {name: 'partly right'}).click();
  await page.getByRole('group', {name: 'Which is better?'}).getByRole('button', {name: 'Answer A'}).click();
  await page.getByText('Your vote is kept').waitFor();
  const {body} = fixture.asked('/api/votes')[0];
  const left = first.startsWith('Two') ? 'alpha' : 'beta';
  assert.equal(body.winner, left);
  assert.deepEqual(body.grades, {[left]: 'partial'});
  assert.deepEqual([body.blind, body.together], [true, true]);
  assert.equal(body.prompt, 'How many cups?');
  assert.deepEqual(body.answers.map(a => a.model).sort(), ['alpha', 'beta']);
  assert.deepEqual(body.answers.find(a => a.model === 'alpha'), {model: 'alpha', text: '**Two** cups.', finish: 'stop', seconds: 1.8,
    first_seconds: 0.125, seconds_per_token: 0.01, prompt_tokens: 100, completion_tokens: 4});
  assert.equal(body.pictures.length, 1);
  assert.match(await page.locator('.round').innerText(), /alpha[^]*125 ms/);
});

test('loads, plans and unloads models with the options that were chosen', async () => {
  const page = await open('#/models');
  await page.getByRole('button', {name: 'Plan memory'}).click();
  await page.getByText('68.0 MiB / 8192.0 MiB available').waitFor();
  await page.getByLabel('context (tokens)').fill('99999');
  await page.getByRole('button', {name: 'Load', exact: true}).click();
  await page.getByText('context 99999 does not fit: 12 GiB wanted, 8 GiB free').waitFor();
  await page.getByLabel('context (tokens)').fill('2048');
  await page.getByLabel('weights').selectOption('int8');
  await page.getByRole('button', {name: 'Load', exact: true}).click();
  await page.waitForFunction(() => document.querySelectorAll('.card.model dl').length === 3);
  assert.deepEqual(fixture.asked('/api/models/load').at(-1).body, {model: 'gamma', options: {weights: 'int8', ctx: 2048}});
  assert.deepEqual(await seriousFaults(page), []);
  await page.locator('.card.model', {hasText: 'gamma'}).getByRole('button', {name: 'Unload'}).click();
  await page.getByRole('button', {name: 'Plan memory'}).waitFor();
});

test('starts a run, shows its progress and money, stops it and goes on', async () => {
  const page = await open('#/runs');
  await page.getByLabel('At most questions').fill('2');
  await page.getByLabel(/^Budget/).fill('1');
  await page.getByRole('button', {name: 'Start', exact: true}).click();
  const card = page.getByRole('article', {name: 'run new'});
  await card.getByText('running').waitFor();
  assert.deepEqual(fixture.asked('/api/runs').find(r => r.method === 'POST').body,
      {suite: 'suites/demo', models: ['alpha', 'beta'], limit: 2, budget: 1, price: 2});
  fixture.progress(3);
  await card.getByText('3 / 4').waitFor();
  await card.getByText('0.03 CNY / 1 CNY').waitFor();
  await card.getByText('alpha · cups-1').waitFor();
  assert.ok(await page.getByRole('button', {name: 'Start', exact: true}).isDisabled(), 'one at a time');
  assert.deepEqual(await seriousFaults(page), []);
  await card.getByRole('button', {name: 'Stop'}).click();
  await card.getByRole('button', {name: 'Go on'}).click();
  await card.getByText('running').waitFor();
  fixture.progress(4, 'finished');
  await card.getByText('finished').waitFor();
  assert.equal(await card.getByRole('button').count(), 0);
  assert.deepEqual(opened.problems, []);
});

test('opens a run and gives a verdict, which changes what it shows', async () => {
  const page = await open('#/runs');
  await page.getByRole('article', {name: 'run old'}).getByRole('link', {name: 'Open'}).click();
  const group = page.getByRole('group', {name: 'Your verdict: beta'}).first();
  await page.getByRole('article').first().waitFor();
  await group.getByRole('button', {name: 'wrong'}).click();
  await page.locator('.item').first().locator('.answer').nth(1).locator('.badge', {hasText: 'wrong'}).waitFor();
  await group.getByText('kept with the run').waitFor();
  assert.deepEqual(fixture.asked('/api/runs/old/verdicts').map(r => r.body), [{item: run.data.items[0].index, model: 'beta', grade: 'wrong'}]);
  assert.deepEqual(opened.problems, []);
});

test('recommends anew when weights or limits change', async () => {
  const page = await open('#/recommend');
  await page.getByText('alpha wins').waitFor();
  await page.getByLabel('Little memory').fill('100');
  await page.getByLabel('Right answers').fill('10');
  await page.getByLabel('Most memory (GiB)').fill('1');
  await page.getByText('beta wins').waitFor();
  const {body} = fixture.asked('/api/runs/old/recommend').at(-1);
  assert.equal(body.max_bytes, 2 ** 30);
  assert.ok(Math.abs(Object.values(body.weights).reduce((sum, w) => sum + w, 0) - 1) < 1e-9);
  assert.deepEqual(await seriousFaults(page), []);
});

test('shows no control that the server has no route for', async () => {
  fixture.features = [];
  const page = await open();
  await ask(page);
  await page.getByText('Two cups.').waitFor();
  assert.deepEqual(await page.locator('.tabs a').allInnerTexts(), ['Compare live', 'Models']);
  assert.equal(await page.getByRole('button', {name: 'Equally good'}).count(), 0);
  await page.getByRole('link', {name: 'Models'}).click();
  assert.equal(await page.getByRole('button', {name: 'Unload'}).count(), 0);
});

test('asks once for a key, again if it is refused, and keeps it for the tab', async () => {
  fixture.key = 'secret';
  const page = await open();
  await page.getByLabel('Key', {exact: true}).fill('guess');
  await page.keyboard.press('Enter');
  await page.getByText('The server refused this key.').waitFor();
  await page.getByLabel('Key', {exact: true}).fill('secret');
  await page.keyboard.press('Enter');
  await page.getByLabel('Prompt', {exact: true}).waitFor();
  await page.reload();
  await page.getByLabel('Prompt', {exact: true}).waitFor();
});

test('speaks Chinese, fits a phone, and axe finds nothing serious in either scheme', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open('', {colorScheme, viewport: {width: 390, height: 844}, hasTouch: true, isMobile: true, locale: 'zh-CN'});
    await page.getByLabel('提示词', {exact: true}).fill('有几个杯子？');
    await page.getByRole('button', {name: /提问/}).click();
    await page.getByText('Two cups.').waitFor();
    for (const tab of ['实时对比', '运行', '模型', '推荐']) {
      await page.getByRole('link', {name: tab, exact: true}).click();
      await page.waitForTimeout(100);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, tab);
      assert.deepEqual(await seriousFaults(page), [], `${tab} ${colorScheme}`);
      for (const label of await page.locator('h1, h2, h3, label, button, dt, figcaption, legend').allInnerTexts())
        assert.doesNotMatch(label, /^[a-z0-9]+(_[a-z0-9]+)+/, `'${label}' is no word`);
    }
    assert.deepEqual(opened.problems, []);
    await opened.context.close();
  }
});
