// Debian's Chromium, driven by playwright-core, and what the tests of the page share.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {chromium} from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync'],
});

/** A page that notes every error of its console and every request that leaves `allowed`. */
export async function openPage(browser, allowed, options = {}) {
  const context = await browser.newContext({viewport: {width: 1280, height: 900}, locale: 'en-GB', ...options});
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const problems = [];
  page.on('console', message => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', error => problems.push(String(error)));
  page.on('request', request => {
    const url = request.url();
    if (!url.startsWith('data:') && !url.startsWith('blob:') && !url.startsWith(allowed))
      problems.push(`asked for ${url}`);
  });
  return {page, context, problems};
}

/** What axe finds serious or critical, in words. Evaluated by the driver, so that no CSP is in its way. */
export async function seriousFaults(page) {
  await page.evaluate(AXE + '; undefined');
  const found = await page.evaluate(() => axe.run(document, {resultTypes: ['violations']}));
  return found.violations.filter(v => ['serious', 'critical'].includes(v.impact))
      .map(v => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`);
}

/** The least of up to five measurements, as soon as one is below the limit: a machine that does other
 *  things meanwhile makes a page late, never early. */
export async function quickest(limit, measure) {
  let least = Infinity;
  for (let i = 0; i < 5 && least >= limit; ++i) least = Math.min(least, await measure());
  return least;
}
