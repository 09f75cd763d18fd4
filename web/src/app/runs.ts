export interface RunEntry {
  id: string;
  description: string;
  started: string;
  state: 'running' | 'stopped' | 'finished';
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
}
export const runPath = (id: string, rest = '') => `/api/runs/${encodeURIComponent(id)}${rest}`;
export const runTitle = (run: RunEntry) => run.description || run.models.join(' / ') || run.id;
