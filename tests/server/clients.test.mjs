// Public clients, unmodified, against the real program: the official `openai` package, and the AI
// SDK with its own HTTP code.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, streamText } from 'ai';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';

import { metric, picture, serve, until } from './program.mjs';

let server;
let openai;
let sdk;

before(async () => {
  server = await serve(['--max-batch-size', '2', '--max-queue', '1', '--api-key', 'secret']);
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'secret', maxRetries: 0 });
  sdk = createOpenAICompatible({ name: 'visavis', baseURL: `${server.url}/v1`, apiKey: 'secret' });
});

after(async () => {
  assert.equal(await server.end(), 0);
});

const question = (text, ...urls) => [{
  role: 'user',
  content: [
    ...urls.map((url) => ({ type: 'image_url', image_url: { url } })),
    { type: 'text', text },
  ],
}];

test('openai: lists both models', async () => {
  const names = [];
  for await (const model of openai.models.list()) names.push(model.id);
  assert.deepEqual(names, ['demo-qwen3-vl', 'demo-llava']);
  assert.ok((await openai.models.retrieve('demo-llava')).visavis.context >= 1024);
});

for (const model of ['demo-qwen3-vl', 'demo-llava']) {
  test(`openai: ${model} says the same about a picture, streamed or not`, async () => {
    const request = { model, messages: question('请说说图中的办公室。', picture()), max_tokens: 24 };
    const whole = await openai.chat.completions.create(request);
    const text = whole.choices[0].message.content;
    assert.ok(text.length > 8, text);
    assert.ok(['stop', 'length'].includes(whole.choices[0].finish_reason));
    assert.ok(whole.usage.prompt_tokens_details.image_tokens > 10);
    assert.equal(whole.usage.total_tokens,
      whole.usage.prompt_tokens + whole.usage.completion_tokens);
    assert.ok(whole.timings.ttft_s > 0 && whole.timings.queued_s >= 0);
    assert.ok(whole.memory.weights_bytes > 1e6);

    const stream = await openai.chat.completions.create(
      { ...request, stream: true, stream_options: { include_usage: true } });
    let streamed = '';
    let pieces = 0;
    let usage;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) pieces += 1;
      streamed += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(streamed, text);
    assert.ok(pieces > 3);
    assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
  });
}

test('openai: several pictures, several turns, Chinese', async () => {
  const answer = await openai.chat.completions.create({
    model: 'demo-qwen3-vl',
    messages: [
      { role: 'system', content: '请简短。' },
      { role: 'user', content: '你好' },
      { role: 'assistant', content: '你好！' },
      ...question('两张图有什么不同？', picture('office-p01.webp'), picture('office-p02.webp')),
    ],
    max_tokens: 16,
  });
  assert.match(answer.choices[0].message.content, /[\u4e00-\u9fff]/);
});

test('openai: the same seed gives the same choices, which differ from each other', async () => {
  const ask = async (seed) => {
    const answer = await openai.chat.completions.create({
      model: 'demo-llava', messages: question('Describe it.', picture()), n: 3, seed,
      temperature: 1.5, max_tokens: 12,
    });
    assert.equal(answer.choices.length, 3);
    return answer.choices.map((choice) => choice.message.content);
  };
  const first = await ask(5);
  assert.deepEqual(await ask(5), first);
  assert.ok(new Set(first).size > 1, first.join(' | '));
});

test('openai: stop strings, lengths and log-probabilities', async () => {
  const request = {
    model: 'demo-llava', messages: question('What is on the desk?', picture()), max_tokens: 12,
  };
  const whole = await openai.chat.completions.create({ ...request, logprobs: true, top_logprobs: 2 });
  const tokens = whole.choices[0].logprobs.content;
  assert.equal(tokens.length, whole.usage.completion_tokens);
  assert.ok(tokens.every((token) => token.logprob <= 0 && token.top_logprobs.length === 2));
  assert.ok(tokens.every((token) => token.top_logprobs[0].logprob >= token.logprob - 1e-4));
  const text = whole.choices[0].message.content;
  const word = text.slice(4, 8);
  const stopped = await openai.chat.completions.create({ ...request, stop: [word] });
  assert.equal(stopped.choices[0].message.content, text.slice(0, text.indexOf(word)));
  assert.equal(stopped.choices[0].finish_reason, 'stop');
  const short = await openai.chat.completions.create({ ...request, max_completion_tokens: 2 });
  assert.equal(short.choices[0].finish_reason, 'length');
  assert.equal(short.usage.completion_tokens, 2);
});

test('openai: continues a text without a template', async () => {
  const answer = await openai.completions.create(
    { model: 'demo-qwen3-vl', prompt: 'There is a', max_tokens: 4, logprobs: 1, seed: 1 });
  assert.equal(answer.object, 'text_completion');
  assert.equal(answer.choices[0].logprobs.tokens.length, 4);
  assert.ok(answer.usage.prompt_tokens <= 4);  // the words alone
});

test('openai: errors have its own classes', async () => {
  const messages = question('x');
  await assert.rejects(openai.chat.completions.create({ model: 'gpt-4o', messages }),
    OpenAI.NotFoundError);
  await assert.rejects(
    openai.chat.completions.create({ model: 'demo-llava', messages, response_format: { type: 'json_object' } }),
    (error) => error instanceof OpenAI.BadRequestError && error.param === 'response_format');
  await assert.rejects(
    openai.chat.completions.create({
      model: 'demo-llava', messages: question('x', 'data:image/png;base64,AAAA'),
    }),
    (error) => error instanceof OpenAI.BadRequestError && /picture 1/.test(error.message));
  await assert.rejects(
    openai.chat.completions.create({ model: 'demo-llava', messages: question('word '.repeat(9000)) }),
    (error) => error instanceof OpenAI.BadRequestError && /context/.test(error.message));
  const stranger = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'wrong', maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});

test('openai: an abort frees the slot at once, and a full queue says when to come again', async () => {
  const endless = { model: 'demo-llava', messages: question('x'), max_tokens: 3500, stream: true,
    temperature: 2 };
  // Answers that end by themselves before they are aborted would leave nothing to see: ask anew.
  const cancelled = async () => {
    const text = await (await fetch(`${server.url}/metrics`,
      { headers: { authorization: 'Bearer secret' } })).text();
    return Number(text.match(/visavis_cancelled_total\{model="demo-llava"\} (\d+)/)?.[1] ?? 0);
  };
  const before = await cancelled();
  let full;
  for (let round = 0; round < 20 && (full === undefined || (await cancelled()) === before); round += 1) {
    const controllers = [];
    const streams = await Promise.allSettled(Array.from({ length: 8 }, () => {
      const controller = new AbortController();
      controllers.push(controller);
      return openai.chat.completions.create(endless, { signal: controller.signal });
    }));
    full = streams.find((each) => each.status === 'rejected')?.reason ?? full;
    for (const each of streams.filter((one) => one.status === 'fulfilled')) {
      each.value[Symbol.asyncIterator]().next().catch(() => {});
    }
    for (const controller of controllers) controller.abort();
  }
  assert.ok(full instanceof OpenAI.RateLimitError, String(full));
  assert.ok(Number(full.headers.get('retry-after')) >= 1);
  await until(async () => (await cancelled()) > before);
  const answer = await openai.chat.completions.create(
    { model: 'demo-llava', messages: question('x'), max_tokens: 2 });
  assert.equal(answer.choices.length, 1);
});

test('ai sdk: plain, with a picture', async () => {
  const answer = await generateText({
    model: sdk('demo-qwen3-vl'),
    messages: [{
      role: 'user',
      content: [
        { type: 'image', image: picture() },
        { type: 'text', text: '请说说图中的办公室。' },
      ],
    }],
    maxOutputTokens: 24,
    maxRetries: 0,
  });
  assert.ok(answer.text.length > 8, answer.text);
  assert.ok(answer.usage.inputTokens > 20);
});

test('ai sdk: streams', async () => {
  const result = streamText({
    model: sdk('demo-llava'), prompt: 'Hello', maxOutputTokens: 8, maxRetries: 0,
    temperature: 0.5, seed: 3,
  });
  let text = '';
  for await (const piece of result.textStream) text += piece;
  assert.equal(text, await result.text);
  assert.ok(['stop', 'length'].includes(await result.finishReason));
});

test('ai sdk: errors carry status and words', async () => {
  await assert.rejects(
    generateText({ model: sdk('nobody'), prompt: 'x', maxRetries: 0 }),
    (error) => APICallError.isInstance(error) && error.statusCode === 404 && /nobody/.test(error.message));
});
