export interface RunEntry {
  id: string;
  description: string;
  started: string;
  state: 'running' | 'stopping' | 'stopped' | 'finished';
  items: number;
  answers_done: number;
  answers_total: number;
  models: string[];
  spent: number | null;
  budget: number | null;
}
export interface RunEvent {
  state: RunEntry['state'];
  answers_done: number;
  answers_total: number;
  seconds: number;
  spent: number | null;
  budget: number | null;
  now?: {model: string; item: string} | null;
  problem?: string;  // why it ended, if it failed
}
/** Where votes on live answers are kept. */
export const LIVE_RUN = 'live';
export const goesOn = (run: {state: RunEntry['state']}) => run.state === 'running' || run.state === 'stopping';
/** A run as it stands now: what the last event knows replaces what the list said. */
export const merged = (run: RunEntry, event?: RunEvent): RunEntry => event ? {...run, state: event.state,
  answers_done: event.answers_done, answers_total: event.answers_total || run.answers_total,
  spent: event.spent ?? run.spent, budget: event.budget ?? run.budget} : run;
export const runPath = (id: string, rest = '') => `/api/runs/${encodeURIComponent(id)}${rest}`;
export const runTitle = (run: RunEntry) => run.description || run.models.join(' / ') || run.id;
