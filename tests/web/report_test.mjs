// report.html in a browser, from its file, over the answers of a run of the demo models.
//
//   VISAVIS=program VISAVIS_SOURCE=repository node --test report_test.mjs
import assert from 'node:assert/strict';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {pathToFileURL} from 'node:url';
import {launch, openPage, quickest, seriousFaults} from './browser.mjs';
import {dataOf, smallRun} from './small_run.mjs';

let folder, report, browser;

before(async () => {
  ({folder, report} = smallRun(2));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(folder, {recursive: true, force: true});
});

const open = async (path, options) => {
  const url = pathToFileURL(path).href;
  const opened = await openPage(browser, url, options);
  await opened.page.goto(url);
  return opened;
};
const texts = locator => locator.allInnerTexts();

test('shows every part of the data in both languages and asks for nothing', async () => {
  const data = dataOf(report);
  const {page, problems, context} = await open(report);
  for (const [lang, heading] of [['en', 'Questions and answers'], ['zh', '题目与回答']]) {
    if (lang === 'zh') await page.click('#language');
    const text = await page.innerText('main');
    const wanted = [heading, ...data.recommendations.flatMap(r => [r.title, r.sentence, ...r.reasons]).map(t => t[lang]),
      ...data.notes.map(t => t[lang]), ...data.method.map(t => t[lang]), ...data.groups.map(g => g.title[lang]),
      ...data.blocks.flatMap(b => [b[lang].heading, ...b[lang].rows.flat()]),
      ...data.groups[0].pairs.map(p => p.sentence[lang]), ...data.models.flatMap(m => [m.label, m.architecture, m.device]),
      ...data.items.flatMap(i => [i.id, i.question, i.reference, ...i.answers.map(a => a.failure || a.text)])];
    const plain = string => string.replace(/\s+/g, ' ').trim();
    const found = plain(text);
    for (const piece of wanted) assert.ok(found.includes(plain(piece)), `${lang}: '${piece}' is missing`);
    assert.equal(await page.getAttribute('html', 'lang'), lang === 'zh' ? 'zh-CN' : 'en');
    // A word that nothing explains stands there as its key.
    const labels = await texts(page.locator('h2, h3, th, dt, figcaption, button, .kind'));
    const scenarios = new Set(data.items.map(item => item.scenario));
    for (const label of labels.filter(label => !scenarios.has(label))) assert.doesNotMatch(label, /^[a-z0-9]+(_[a-z0-9]+)+$/, `'${label}' is no word`);
  }
  const shown = await page.locator('.item img').count();
  assert.equal(shown, data.items.reduce((n, item) => n + item.images.length, 0));
  await page.locator('.item img').first().scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelector('.item img').naturalWidth > 0);
  assert.deepEqual(problems, []);
  await context.close();
});

test('filters change figures, plots, tests and answers to what the data says', async () => {
  const data = dataOf(report);
  const {page, problems, context} = await open(report);
  const office = data.groups.find(g => g.kind === 'scenario' && g.pairs.length > 0);
  await page.getByRole('button', {name: office.title.en, exact: true}).click();
  assert.match((await page.locator('#summary tbody tr').nth(1).innerText()), new RegExp(`${office.cells[0].answered} / ${office.cells[0].items}`));
  assert.equal(await page.locator('article.item').count(), office.items.length);
  assert.match(await page.innerText('#answers h2'), new RegExp(office.title.en));
  assert.ok((await texts(page.locator('#tests tbody th'))).includes(office.title.en));
  await page.getByRole('button', {name: 'only disagreements'}).click();
  const differing = office.items.map(i => data.items[i]).filter(i => new Set(i.answers.map(a => a.verdict)).size > 1);
  assert.equal(await page.locator('article.item').count(), differing.length);
  await page.getByRole('button', {name: 'all', exact: true}).click();
  await page.getByRole('searchbox').fill(data.items[office.items[0]].id);
  assert.deepEqual(await texts(page.locator('.item .id')), [data.items[office.items[0]].id]);
  assert.deepEqual(problems, []);
  await context.close();
});

test('can be used with the keyboard, on a phone, and without seeing colours', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const {page, problems, context} = await open(report, {colorScheme, viewport: {width: 390, height: 844}});
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, 'nothing sticks out of a phone');
    assert.deepEqual(await seriousFaults(page), []);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
    await page.locator('.item button.picture').first().focus();
    await page.keyboard.press('Enter');
    await page.locator('dialog img').waitFor({state: 'visible'});
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('dialog[open]').count(), 0);
    assert.deepEqual(problems, []);
    await context.close();
  }
});

test('over 5,000 answers it opens within two seconds and draws items as they are reached', async () => {
  const html = readFileSync(report, 'utf8');
  const data = dataOf(report);
  const items = [];
  // Each item with a picture of its own, of the size that so many pictures are shrunk to.
  const [picture] = Object.values(data.pictures);
  data.pictures = {};
  for (let index = 0; index < 2500; ++index) {
    items.push({...data.items[index % data.items.length], index, images: [`p${index}`]});
    data.pictures[`p${index}`] = picture.slice(0, picture.indexOf(',') + 1 + 10_800);  // whole groups of base64
  }
  data.items = items;
  data.groups[0].items = items.map(item => item.index);
  data.groups[0].cells.forEach(cell => {
    cell.e2e_all = items.map((_, i) => 0.02 + i * 1e-4);
  });
  const large = join(folder, 'large.html');
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  writeFileSync(large, html.replace(/id="data">.*?<\/script>/s, () => `id="data">${json}</script>`));
  let page, problems, context;
  const drawn = await quickest(2000, async () => {
    await context?.close();
    ({page, problems, context} = await open(large));
    await page.locator('#answers article').first().waitFor({state: 'attached'});
    return page.evaluate(() => performance.now());
  });
  console.log(`5,000 answers: ${Math.round(json.length / 1e6)} MB of data, drawn ${Math.round(drawn)} ms after the start of the page`);
  assert.ok(drawn < 2000, `drawn after ${drawn} ms, wanted 2000`);
  const first = await page.locator('article.item').count();
  assert.ok(first <= 40, `${first} items drawn at once`);
  await page.locator('article.item').last().scrollIntoViewIfNeeded();
  await page.waitForFunction(n => document.querySelectorAll('article.item').length > n, first);
  assert.deepEqual(problems, []);
  await context.close();
});
