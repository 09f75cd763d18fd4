// A finished run of the demo models over a few questions of each scenario, and what its report shows.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

export const dataOf = path => JSON.parse(/id="data">(.*?)<\/script>/s.exec(readFileSync(path, 'utf8'))[1]);

/** Who calls it removes the folder. */
export function smallRun(perScenario) {
  const source = process.env.VISAVIS_SOURCE;
  const folder = mkdtempSync(join(tmpdir(), 'visavis-page-'));
  const lines = readFileSync(join(source, 'suites/demo/items.jsonl'), 'utf8').trim().split('\n').map(JSON.parse);
  const taken = new Map();
  const chosen = lines.filter(item => {
    taken.set(item.scenario, (taken.get(item.scenario) ?? 0) + 1);
    return taken.get(item.scenario) <= perScenario;
  });
  for (const item of chosen) item.images = item.images.map(image => join(source, 'suites/demo', image));
  const suite = join(folder, 'some.jsonl');
  writeFileSync(suite, chosen.map(item => JSON.stringify(item) + '\n').join(''));
  execFileSync(process.env.VISAVIS, ['compare', ...['qwen3-vl', 'llava'].map(name => join(source, 'models/demo', name)),
    '--suite', suite, '--price', '2', '--warmup', '0', '--out', join(folder, 'run')], {stdio: 'pipe', timeout: 250_000});
  const report = join(folder, 'run/report.html');
  return {folder, report, data: dataOf(report)};
}
