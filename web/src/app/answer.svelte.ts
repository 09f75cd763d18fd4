// One model's answer as it streams in.
import {ApiError, stream} from '../lib/api';
import {word} from '../lib/settings.svelte';
import type {MemoryBytes} from './state.svelte';

interface Timings {
  ttft_s?: number;
  tpot_s?: number;
  e2e_s?: number;
  queued_s?: number;
}
interface Chunk {
  choices: {delta?: {content?: string}; finish_reason?: string | null}[];
  usage?: {prompt_tokens: number; completion_tokens: number} | null;
  timings?: Timings;
  memory?: MemoryBytes;
}
export interface Question {
  prompt: string;
  pictures: {url: string; name: string}[];
  system: string;
  maxTokens: number;
  temperature: number;
}

export class LiveAnswer {
  text = $state('');
  state = $state<'waiting' | 'running' | 'done' | 'stopped' | 'failed'>('waiting');
  problem = $state('');
  finish = $state('');
  firstSeconds = $state<number | null>(null);
  seconds = $state<number | null>(null);
  tokens = $state<number | null>(null);
  promptTokens: number | null = null;
  perToken = $state<number | null>(null);
  memory = $state<MemoryBytes | null>(null);
  grade = $state<string | null>(null);
  #abort = new AbortController();

  constructor(readonly model: string, readonly color: number) {}

  stop() {
    this.#abort.abort();
  }

  async ask(question: Question) {
    if (this.#abort.signal.aborted) {
      this.state = 'stopped';
      return;
    }
    this.state = 'running';
    const started = performance.now();
    const since = () => (performance.now() - started) / 1000;
    const content = [
      ...question.pictures.map(p => ({type: 'image_url', image_url: {url: p.url}})),
      {type: 'text', text: question.prompt},
    ];
    const body = {
      model: this.model,
      messages: [...(question.system ? [{role: 'system', content: question.system}] : []), {role: 'user', content}],
      stream: true,
      stream_options: {include_usage: true},
      max_tokens: question.maxTokens,
      temperature: question.temperature,
    };
    try {
      for await (const chunk of stream<Chunk>('/v1/chat/completions', this.#abort.signal, body)) {
        const choice = chunk.choices[0];
        const text = choice?.delta?.content ?? '';
        if (text && this.firstSeconds === null) this.firstSeconds = since();
        this.text += text;
        this.seconds = since();
        if (choice?.finish_reason) this.finish = choice.finish_reason;
        if (chunk.usage) {
          this.tokens = chunk.usage.completion_tokens;
          this.promptTokens = chunk.usage.prompt_tokens;
        }
        if (chunk.timings) this.#measured(chunk.timings);
        if (chunk.memory) this.memory = chunk.memory;
      }
      this.state = 'done';
    } catch (error) {
      this.seconds = since();
      this.state = this.#abort.signal.aborted ? 'stopped' : 'failed';
      if (this.state === 'failed') {
        const busy = error instanceof ApiError && error.code === 'run_in_progress';
        this.problem = busy ? word('run_in_progress') : (error as Error).message;
      }
    }
  }

  // The server's own times replace those seen from here; waiting for a place in its queue stays out.
  #measured(timings: Timings) {
    this.firstSeconds = timings.ttft_s ?? this.firstSeconds;
    this.seconds = timings.e2e_s ?? this.seconds;
    this.perToken = timings.tpot_s ?? this.perToken;
  }
}
