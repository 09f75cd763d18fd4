// Starts the real program with the demo models, and ends it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export const source = process.env.VISAVIS_SOURCE;

/** Resolves to {url, port, log(), end()}; end() asks it to stop and gives its exit code. */
export function serve(args = [], environment = {}) {
  const child = spawn(
    process.env.VISAVIS,
    ['serve', 'demo-qwen3-vl', 'demo-llava', '--port', '0', '--threads', '1', ...args],
    { cwd: source, env: { ...process.env, ...environment } });
  let log = '';
  child.stderr.on('data', (piece) => { log += piece; });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (piece) => {
      out += piece;
      const found = out.match(/ at (http:\/\/127\.0\.0\.1:(\d+))\n/);
      if (found) {
        resolve({
          url: found[1],
          port: Number(found[2]),
          log: () => log,
          end: (signal = 'SIGINT') => { child.kill(signal); return ended; },
        });
      }
    });
    ended.then((code) => reject(new Error(`the server ended with ${code}: ${log}`)));
  });
}

/** A picture of the demo suite as a data: URL. */
export function picture(name = 'office-p01.webp') {
  const bytes = fs.readFileSync(path.join(source, 'suites/demo/pictures', name));
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}

/** The value of one line of /metrics. */
export async function metric(server, line) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const found = text.split('\n').find((each) => each.startsWith(`${line} `));
  return found === undefined ? 0 : Number(found.slice(line.length + 1));
}

/** Waits until the condition holds; throws after two minutes (sanitizers are slow). */
export async function until(condition, pause = 10) {
  const end = Date.now() + 120_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within two minutes: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
