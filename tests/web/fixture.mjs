// A stand-in for `visavis serve` that answers the page's routes from what a test put into it, so that
// rare moments (a refused key, an answer half way, a full house) can be had at will. It computes
// nothing; the server itself is tested with the real binary.
import {createServer} from 'node:http';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';

const MIMES = {html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml'};
const CSP = "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const memory = {weights_bytes: 3 << 20, vision_bytes: 7 << 20, kv_bytes: 8 << 20, workspace_bytes: 50 << 20, host_peak_bytes: 60 << 20};
const facts = {architecture: 'Fake', device: 'cpu', weights: 'int4', context: 4096, parameters: 7_000_000, load_s: 0.5, memory};

export class Fixture {
  constructor({dist, report, key = null, features = ['models', 'runs', 'run', 'recommend', 'verdicts', 'votes']}) {
    Object.assign(this, {dist, report, key, features});
    this.requests = [];  // {method, path, body}
    this.models = ['alpha', 'beta'].map(name => ({name, state: 'resident', ...facts}));
    this.models.push({name: 'gamma', state: 'available'});
    this.runs = [this.run('old', 'finished', 4)];
    this.answers = {alpha: ['**Two** ', 'cups.'], beta: ['One cup', ' <img src=x onerror=alert(1)> and a [link](https://example.org).']};
    this.hold = null;  // a promise that answers wait for after their first piece
    this.listeners = new Set();
  }
  run(id, state, done) {
    return {id, description: `run ${id}`, started: '2026-01-02T03:04:05Z', state, items: 2, answers_done: done, answers_total: 4,
      models: ['alpha', 'beta'], spent: done / 100, budget: 1};
  }
  async start() {
    this.server = createServer((request, response) => {
      this.handle(request, response).catch(error => {
        response.writeHead(500);
        response.end(String(error));
      });
    });
    await new Promise(resolve => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}/`;
  }
  stop() {
    this.server.closeAllConnections();
    return new Promise(resolve => this.server.close(resolve));
  }
  /** What the page asked of this route. */
  asked(path) {
    return this.requests.filter(request => request.path === path);
  }
  /** The running comparison has so many answers now. */
  progress(done, state = 'running') {
    const run = this.runs.find(each => each.state === 'running');
    Object.assign(run, {answers_done: done, spent: done / 100, state});
    for (const tell of this.listeners) tell(run);
  }

  async handle(request, response) {
    const path = decodeURIComponent(new URL(request.url, this.url).pathname);
    const name = path === '/' ? 'index.html' : path.slice(1);
    if (['index.html', 'page.js', 'page.css', 'favicon.svg'].includes(name)) {
      response.writeHead(200, {'Content-Type': MIMES[name.split('.').at(-1)], 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff'});
      response.end(readFileSync(join(this.dist, name)));
      return;
    }
    let text = '';
    for await (const piece of request) text += piece;
    const body = text ? JSON.parse(text) : undefined;
    this.requests.push({method: request.method, path, body});
    const json = (value, status = 200) => {
      response.writeHead(status, {'Content-Type': 'application/json'});
      response.end(JSON.stringify(value));
    };
    const refuse = (status, message) => json({error: {message, type: 'invalid_request_error', param: null, code: null}}, status);
    if (this.key && request.headers.authorization !== `Bearer ${this.key}`) return refuse(401, 'wrong key');
    const route = `${request.method} ${path}`;
    const model = this.models.find(each => each.name === body?.model);
    if (route === 'GET /api/state')
      return json({version: 'test', lang: 'en', currency: 'CNY', price_per_hour: 2, max_body_bytes: 1 << 20, features: this.features,
        models: this.models, runs_folder: 'runs', suites: [{name: 'demo', path: 'suites/demo', title: {en: 'Demo', zh: '演示'}, questions: 174, langs: ['en', 'zh']}]});
    if (route === 'POST /v1/chat/completions') return this.chat(response, body);
    if (route === 'POST /api/models/load') {
      if (body.options.ctx > 9000) return refuse(400, 'context 99999 does not fit: 12 GiB wanted, 8 GiB free');
      Object.assign(model, {state: 'resident', ...facts, weights: body.options.weights ?? 'int4'});
      return json(model);
    }
    if (route === 'POST /api/models/unload') {
      this.models[this.models.indexOf(model)] = {name: model.name, state: 'available'};
      return json({});
    }
    if (route === 'POST /api/models/plan') return json({memory: {...memory, total_bytes: 68 << 20, available_bytes: 8 * 2 ** 30}});
    if (route === 'POST /api/votes') return json({});
    if (route === 'GET /api/runs') return json(this.runs);
    if (route === 'POST /api/runs') {
      this.runs.unshift(this.run('new', 'running', 0));
      return json({id: 'new'});
    }
    const [, id, rest] = /^\/api\/runs\/([^/]+)\/?(.*)$/.exec(path) ?? [];
    const run = this.runs.find(each => each.id === id);
    if (!run) return refuse(404, `no route ${route}`);
    if (rest === '') return json(this.report);
    if (rest === 'events') return this.events(request, response, run);
    if (rest === 'stop') {
      this.progress(run.answers_done, 'stopped');
      return json({});
    }
    if (rest === 'resume') {
      run.state = 'running';
      return json({});
    }
    if (rest === 'verdicts') {
      this.report.items[body.item].answers.find((_, m) => this.report.models[m].label === body.model).verdict = body.grade;
      response.writeHead(204);
      return response.end();
    }
    if (rest === 'recommend') {
      const winner = body.weights.memory > 0.5 ? 'beta' : 'alpha';
      return json({...this.report.recommendations[0], winner, sentence: {en: `${winner} wins`, zh: `${winner} 胜出`}});
    }
    return refuse(404, `no route ${route}`);
  }
  async chat(response, body) {
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    const send = value => response.write(`data: ${JSON.stringify(value)}\n\n`);
    const [first, ...others] = this.answers[body.model];
    send({choices: [{index: 0, delta: {content: first}, finish_reason: null}]});
    if (this.hold) await this.hold;
    for (const piece of others) send({choices: [{index: 0, delta: {content: piece}, finish_reason: null}]});
    send({choices: [{index: 0, delta: {}, finish_reason: 'stop'}]});
    send({choices: [], usage: {prompt_tokens: 100, completion_tokens: 4}, timings: {ttft_s: 0.125, tpot_s: 0.01, e2e_s: 1.8}, memory});
    response.end('data: [DONE]\n\n');
  }
  events(request, response, run) {
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    const tell = changed => {
      if (changed !== run) return;
      response.write(`data: ${JSON.stringify({state: run.state, answers_done: run.answers_done, answers_total: 4,
        seconds: 1, spent: run.spent, budget: null, now: {model: 'alpha', item: 'cups-1'}})}\n\n`);
      if (run.state !== 'running') response.end();
    };
    this.listeners.add(tell);
    request.on('close', () => this.listeners.delete(tell));
    tell(run);
  }
}
