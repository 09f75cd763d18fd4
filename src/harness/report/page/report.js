// Draws the report from the Results in #data. It formats and filters; every interval, test and
// decision was computed by visavis and is only looked up here.
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const state = {lang: data.lang, group: 'all', show: 'all', limit: 40};
const word = key => (data.words[key] || {})[state.lang] || key;
const say = both => both ? both[state.lang] : '';
const group = () => data.groups.find(g => g.key === state.group);
const percent = x => x == null ? '–' : (100 * x).toFixed(1) + ' %';
const both = q => `${seconds(q.p50)} / ${seconds(q.p95)}${q.p95 != null && q.p95_is_weak ? '*' : ''}`;
const between = (q, p, i) => seconds(q[p]) + (q[i] ? ` [${q[i].map(seconds).join(' – ')}]` : '');
const seconds = x => x == null ? '–' : x < 1 ? (1000 * x).toFixed(x < 0.01 ? 2 : 0) + ' ms' : x.toFixed(2) + ' s';
const number = (x, digits = 1) => x == null ? '–' : x.toFixed(digits);
const megabytes = x => x == null ? '–' : (x / 1048576).toFixed(1);
const money = x => x == null ? '–' : x.toPrecision(3) + ' ' + data.run.currency;

/** Makes an element; children may be nodes or strings. */
function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {}))
    if (key === 'onclick') node.addEventListener('click', value); else node.setAttribute(key, value);
  node.append(...children);
  return node;
}
function svg(tag, attributes, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const color = i => `var(--model-${i % 4})`;
const text = (x, y, value, attributes) => svg('text', {x, y, ...attributes}, value);

function fill(id, ...children) {
  document.getElementById(id).replaceChildren(...children);
}

function table(head, rows) {
  return make('div', {class: 'table'}, make('table', {},
      make('thead', {}, make('tr', {}, ...head.map(h => make('th', {}, h)))),
      make('tbody', {}, ...rows.map(row => make('tr', {}, ...row.map(c => make('td', {}, c)))))));
}

function header() {
  document.documentElement.lang = state.lang;
  document.getElementById('subtitle').textContent =
      `${data.run.description || data.models.map(m => m.label).join(' / ')} · ${data.run.started}`;
  document.getElementById('language').textContent = state.lang === 'zh' ? 'English' : '中文';
}

function decision() {
  const cards = data.recommendations.map(r => make('div', {class: 'card'},
      make('h3', {}, say(r.title)), say(r.sentence),
      make('ul', {}, ...r.reasons.map(reason => make('li', {}, say(reason))))));
  const notes = data.notes.map(n => make('p', {class: 'note'}, say(n)));
  fill('decision', make('h2', {}, word('recommendation')), make('div', {class: 'cards'}, ...cards), ...notes);
}

function groups() {
  fill('groups', ...data.groups.map(g => make('button',
      {type: 'button', 'aria-pressed': String(g.key === state.group), onclick: () => choose({group: g.key})},
      say(g.title))));
}

function summary() {
  const cells = group().cells;
  const row = (label, pick) => [word(label), ...cells.map(pick)];
  const rows = [
    row('items', c => `${c.answered} / ${c.items}`),
    row('accuracy', c => c.graded ? `${percent(c.accuracy)} [${percent(c.low)} – ${percent(c.high)}]` : '–'),
    row('buckets', c => `${c.full} / ${c.partial} / ${c.wrong} / ${c.unparsed} / ${c.refused} / ${c.failed}`),
    row('mean_score', c => number(c.mean_score, 3)),
    row('ttft', c => both(c.ttft)),
    row('split', c => [c.split.image_decode, c.split.image_resize, c.split.vision, c.split.prefill]
        .map(seconds).join(' + ')),
    row('tpot', c => both(c.tpot)),
    row('e2e', c => both(c.e2e)),
    row('e2e_p50_interval', c => between(c.e2e, 'p50', 'p50_interval')),
    row('e2e_p95_interval', c => between(c.e2e, 'p95', 'p95_interval')),
    row('characters', c => number(c.characters_per_second)),
    row('tokens', c => number(c.tokens_per_second)),
    row('cost_1000', c => money(c.cost_per_1000)),
    row('cost_correct', c => money(c.cost_per_correct) + (c.cost_per_correct_interval ?
        ` [${c.cost_per_correct_interval.map(x => x.toPrecision(3)).join(' – ')}]` : '')),
  ];
  if (state.group === 'all') {
    const seen = data.models.map(m => m.seen_before);
    const shown = s => s.asked > s.failed ?
        `${seconds(s.first_ttft_p50)} → ${seconds(s.ttft_p50)} (${s.asked - s.failed})` : '–';
    if (seen.some(s => s.asked)) rows.splice(6, 0, [word('seen'), ...seen.map(shown)]);
    rows.splice(2, 0, row('macro', c => percent(c.macro_accuracy)));
  }
  fill('summary', make('h2', {}, word('summary')),
      table(['', ...data.models.map(m => m.label)], rows), make('p', {class: 'note'}, word('summary_note')));
}

/** One plot with a title; draw() fills a canvas of the given height. */
function plot(title, height, draw) {
  const canvas = svg('svg', {viewBox: `0 0 460 ${height}`, role: 'img', 'aria-label': title});
  draw(canvas);
  return make('figure', {}, make('figcaption', {}, title), canvas);
}

function accuracyPlot() {
  const shown = state.group === 'all' ?
      data.groups.filter(g => g.kind === 'all' || g.kind === 'scenario') : [group()];
  const rows = shown.filter(g => g.cells.some(c => c.graded));
  const step = 16 * data.models.length + 14;
  return plot(word('plot_accuracy'), rows.length * step + 34, canvas => {
    const x = share => 130 + share * 300;
    for (const tick of [0, 0.25, 0.5, 0.75, 1])
      canvas.append(svg('line', {x1: x(tick), x2: x(tick), y1: 4, y2: rows.length * step + 8, class: 'axis'}),
          text(x(tick), rows.length * step + 24, Math.round(100 * tick) + ' %', {'text-anchor': 'middle', class: 'soft'}));
    rows.forEach((g, i) => {
      canvas.append(text(4, i * step + step / 2 + 4, say(g.title)));
      g.cells.forEach((c, m) => {
        if (!c.graded) return;
        const y = i * step + 16 + 16 * m;
        canvas.append(svg('line', {x1: x(c.low), x2: x(c.high), y1: y, y2: y, stroke: color(m), 'stroke-width': 3, opacity: 0.55}),
            svg('circle', {cx: x(c.accuracy), cy: y, r: 5, fill: color(m)}));
      });
    });
  });
}

function latencyPlot() {
  const all = group().cells.map(c => c.e2e_all);
  const most = Math.max(...all.map(times => times[times.length - 1] || 0), 1e-9);
  return plot(word('plot_latency'), 190, canvas => {
    const x = s => 40 + s / most * 400, y = share => 150 - share * 135;
    for (const tick of [0, 0.5, 0.95, 1])
      canvas.append(svg('line', {x1: 40, x2: 440, y1: y(tick), y2: y(tick), class: 'axis'}),
          text(34, y(tick) + 4, Math.round(100 * tick), {'text-anchor': 'end', class: 'soft'}));
    for (const tick of [0, 0.5, 1])
      canvas.append(text(x(most * tick), 168, seconds(most * tick), {'text-anchor': 'middle', class: 'soft'}));
    all.forEach((times, m) => {
      if (!times.length) return;
      const points = times.map((t, i) => `${x(t)},${y((i + 1) / times.length)}`);
      canvas.append(svg('polyline', {points: `${x(times[0])},${y(0)} ` + points.join(' '), fill: 'none', stroke: color(m), 'stroke-width': 2}));
    });
    canvas.append(text(240, 186, word('plot_latency_axis'), {'text-anchor': 'middle', class: 'soft'}));
  });
}

function memoryPlot() {
  const parts = ['weights', 'vision', 'kv', 'workspace'];
  const most = Math.max(...data.models.map(m => Math.max(m.memory.peak || 0, parts.reduce((s, p) => s + m.memory[p], 0))), 1);
  return plot(word('plot_memory'), 44 * data.models.length + 40, canvas => {
    data.models.forEach((m, i) => {
      let at = 110;
      const y = 12 + 44 * i;
      canvas.append(text(4, y + 17, m.label.slice(0, 16)));
      parts.forEach((part, k) => {
        const width = m.memory[part] / most * 260;
        canvas.append(svg('rect', {x: at, y, width, height: 24, fill: color(i), opacity: 1 - 0.22 * k},
            svg('title', {}, `${word(part)}: ${megabytes(m.memory[part])} MiB`)));
        at += width;
      });
      if (m.memory.peak) {
        const peak = 110 + m.memory.peak / most * 260;
        canvas.append(svg('line', {x1: peak, x2: peak, y1: y - 4, y2: y + 28, stroke: 'currentColor', 'stroke-width': 2}));
      }
      canvas.append(text(376, y + 17, megabytes(m.memory.peak) + ' MiB'));
    });
    canvas.append(text(4, 44 * data.models.length + 28, word('plot_memory_note'), {class: 'soft'}));
  });
}

function costPlot() {
  const cells = group().cells;
  const costs = cells.map(c => c.cost_per_1000);
  if (costs.some(c => c == null)) return make('figure', {}, make('figcaption', {}, word('plot_cost')), word('no_price'));
  const most = Math.max(...costs) * 1.15;
  return plot(word('plot_cost'), 200, canvas => {
    const x = cost => 50 + cost / most * 380, y = share => 160 - share * 140;
    for (const tick of [0, 0.5, 1])
      canvas.append(svg('line', {x1: 50, x2: 430, y1: y(tick), y2: y(tick), class: 'axis'}),
          text(44, y(tick) + 4, Math.round(100 * tick) + ' %', {'text-anchor': 'end', class: 'soft'}),
          text(x(most * tick), 178, money(most * tick), {'text-anchor': 'middle', class: 'soft'}));
    cells.forEach((c, m) => {
      if (!c.graded) return;
      canvas.append(svg('line', {x1: x(costs[m]), x2: x(costs[m]), y1: y(c.low), y2: y(c.high), stroke: color(m), 'stroke-width': 3, opacity: 0.55}),
          svg('circle', {cx: x(costs[m]), cy: y(c.accuracy), r: 6, fill: color(m)}));
    });
    canvas.append(text(240, 196, word('plot_cost_axis'), {'text-anchor': 'middle', class: 'soft'}));
  });
}

function plots() {
  const legend = make('div', {class: 'legend'}, ...data.models.map((m, i) => make('span', {},
      make('i', {style: `background:${color(i)}`}), m.label)));
  fill('plots', legend, make('div', {class: 'plots'}, accuracyPlot(), latencyPlot(), memoryPlot(), costPlot()));
}

function tests() {
  const rows = data.groups.filter(g => g.kind === 'all' || g.kind === 'scenario').flatMap(g => g.pairs.map(p => [
    say(g.title), `${data.models[p.a].label} / ${data.models[p.b].label}`, String(p.both),
    `${p.a_only} : ${p.b_only}`, p.p.toPrecision(2), p.p_holm == null ? '–' : p.p_holm.toPrecision(2),
    say(p.sentence)]));
  fill('tests', make('h2', {}, word('tests')),
      table(['', word('pair'), word('paired_items'), word('discordant'), 'p', word('p_holm'), word('verdict')], rows),
      make('p', {class: 'note'}, word('tests_note')));
}

function memory() {
  const row = (label, pick) => [word(label), ...data.models.map(pick)];
  fill('memory', make('h2', {}, word('deployment')), table(['', ...data.models.map(m => m.label)], [
    row('architecture', m => m.architecture), row('weights_format', m => m.weights), row('device', m => m.device),
    row('parameters', m => (m.parameters / 1e6).toFixed(1) + ' M'),
    row('download', m => megabytes(m.checkpoint_bytes) + ' MiB'), row('load', m => seconds(m.load_seconds) + (m.from_cache ? ` (${word('from_cache')})` : '')),
    ...['weights', 'vision', 'kv', 'workspace', 'peak'].map(part =>
        row(part, m => megabytes(m.memory[part]) + ' MiB')),
    row('multi_image', m => word(m.multi_image_trained ? 'yes' : 'not_designed_for')),
  ]), make('p', {class: 'note'}, word('memory_note')));
}

/** Sections that come ready from visavis. */
function blocks() {
  fill('blocks', ...data.blocks.flatMap(both => {
    const block = both[state.lang];
    const lines = (list, kind) => list.map(line => line.startsWith('```') ?
        make('details', {}, make('summary', {}, word('plan')), make('pre', {}, line.replace(/^```\n|\n```$/g, ''))) :
        make('p', {class: kind}, line));
    return [make('h2', {}, block.heading), ...lines(block.paragraphs, ''),
      ...(block.head.length ? [table(block.head, block.rows)] : []), ...lines(block.after, 'note')];
  }));
}

const shows = {
  all: () => true,
  disagree: item => new Set(item.answers.map(a => a.verdict)).size > 1,
  wrong: item => item.answers.some(a => ['wrong', 'unparsed', 'refused', 'failed'].includes(a.verdict)),
};

function answer(a, m) {
  const facts = [data.models[m].label, a.ttft == null ? null : `TTFT ${seconds(a.ttft)}`,
    a.e2e == null ? null : seconds(a.e2e), a.tokens == null ? null : `${a.tokens} ${word('tokens_short')}`];
  return make('div', {class: `answer ${a.verdict}`},
      make('div', {class: 'head'}, make('span', {class: 'badge'}, word(a.verdict)), ' ', facts.filter(Boolean).join(' · ')),
      a.failure || a.text, make('div', {class: 'note'}, a.evidence || ''));
}

function items() {
  const g = group();
  const inGroup = new Set(g.items);
  const chosen = data.items.filter(item => inGroup.has(item.index) && shows[state.show](item));
  const chips = Object.keys(shows).map(key => make('button',
      {type: 'button', 'aria-pressed': String(state.show === key), onclick: () => choose({show: key, limit: 40})}, word('show_' + key)));
  const cards = chosen.slice(0, state.limit).map(item => make('article', {class: 'item'},
      make('div', {class: 'head'}, item.id, make('span', {}, say(item.scenario_title)), make('span', {}, word('difficulty') + ' ' + item.difficulty)),
      make('div', {class: 'pictures'}, ...item.images.map(key => data.pictures[key] ? make('img', {src: data.pictures[key], alt: item.id, loading: 'lazy'}) : word('picture_gone'))),
      make('p', {}, make('strong', {}, item.question)),
      make('p', {class: 'note'}, word('reference') + ': ' + item.reference),
      make('div', {class: 'answers'}, ...item.answers.map(answer))));
  const more = chosen.length > state.limit ? [make('button', {type: 'button', onclick: () => choose({limit: state.limit + 80})},
      `${word('more')} (${chosen.length - state.limit})`)] : [];
  fill('items', make('h2', {}, `${word('answers')} (${chosen.length})`), make('div', {class: 'chips'}, ...chips), ...cards, ...more);
}

function method() {
  fill('method', make('h2', {}, word('method')), ...data.method.map(m => make('p', {class: 'note'}, say(m))));
}

function draw() {
  for (const part of [header, decision, groups, summary, plots, tests, memory, blocks, items, method]) part();
}
function choose(change) {
  Object.assign(state, change);
  draw();
}
document.getElementById('language').addEventListener('click', () => choose({lang: state.lang === 'zh' ? 'en' : 'zh'}));
draw();
