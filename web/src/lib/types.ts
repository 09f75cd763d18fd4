// What C++ writes: results_json.cpp (report data) and the server's /api routes. Only what the page
// reads is named here.
export interface Text {
  en: string;
  zh: string;
}
export type Interval = [number, number] | null;
export interface Quantiles {
  p50: number | null;
  p95: number | null;
  p50_interval: Interval;
  p95_interval: Interval;
  p95_is_weak: boolean;
}
export interface Cell {
  items: number;
  answered: number;
  graded: number;
  full: number;
  partial: number;
  wrong: number;
  unparsed: number;
  refused: number;
  failed: number;
  accuracy: number | null;
  low: number;
  high: number;
  mean_score: number | null;
  macro_accuracy: number | null;
  ttft: Quantiles;
  tpot: Quantiles;
  e2e: Quantiles;
  e2e_all: number[];
  split: {image_decode: number | null; image_resize: number | null; vision: number | null; prefill: number | null};
  characters_per_second: number | null;
  tokens_per_second: number | null;
  cost_per_1000: number | null;
  cost_per_correct: number | null;
  cost_per_correct_interval: Interval;
}
export interface Difference {
  mean: number;
  low: number | null;
  high: number | null;
}
export interface Pair {
  a: number;
  b: number;
  both: number;
  a_only: number;
  b_only: number;
  difference: Difference;
  detectable_difference: number | null;
  p: number;
  p_holm: number | null;
  decision: string;
  sentence: Text;
}
export type GroupKind = 'all' | 'scenario' | 'language' | 'difficulty' | 'profile';
export interface Group {
  kind: GroupKind;
  key: string;
  title: Text;
  graded: boolean;
  items: number[];
  cells: Cell[];
  pairs: Pair[];
}
export interface Recommendation {
  key: string;
  title: Text;
  standing: string;
  winner: string | null;
  leader: string | null;
  front: string[];
  more_items: number | null;
  more_cost: number | null;
  sentence: Text;
  reasons: Text[];
}
export type MemoryPart = 'weights' | 'vision' | 'kv' | 'workspace';
export interface ModelSummary {
  label: string;
  architecture: string;
  device: string;
  weights: string;
  weights_sha256: string;
  context: number;
  checkpoint_bytes: number;
  parameters: number;
  load_seconds: number;
  from_cache: boolean;
  multi_image_trained: boolean;
  memory: Record<MemoryPart, number> & {peak: number | null};
  seen_before: {asked: number; failed: number; first_ttft_p50: number | null; ttft_p50: number | null};
}
export interface Block {
  heading: string;
  paragraphs: string[];
  head: string[];
  rows: string[][];
  after: string[];
}
export interface Answer {
  verdict: string;
  score?: number;
  text: string;
  failure?: string;
  evidence?: string;
  ttft: number | null;
  e2e: number | null;
  tokens: number | null;
  finish?: string;
}
export interface Item {
  index: number;
  id: string;
  scenario: string;
  scenario_title: Text;
  lang: string;
  difficulty: number;
  question: string;
  reference: string;
  images: string[];
  answers: Answer[];
}
export interface ReportData {
  run: {
    description: string;
    started: string;
    state: string;
    questions: number;
    answers: number;
    planned_answers: number;
    price_per_hour: number;
    currency: string;
    total_cost: number | null;
    wall_seconds: number;
  };
  models: ModelSummary[];
  groups: Group[];
  recommendations: Recommendation[];
  notes: Text[];
  method: Text[];
  blocks: {en: Block; zh: Block}[];
  items: Item[];
  pictures: Record<string, string>;
  words: Record<string, Text>;
  lang: string;
}
