// What the server offers, and where in the page the user is (after the # of the address).
import {ApiError, get} from '../lib/api';
import type {Text} from '../lib/types';

export interface MemoryBytes {
  weights_bytes: number;
  vision_bytes: number;
  kv_bytes: number;
  workspace_bytes: number;
  device_peak_bytes?: number;
  host_peak_bytes?: number;
}
export interface ModelEntry {
  name: string;
  state: 'resident' | 'available';
  architecture?: string;
  device?: string;
  weights?: string;
  context?: number;
  parameters?: number;
  load_s?: number;
  memory?: MemoryBytes;
}
export interface SuiteEntry {
  name: string;
  path: string;
  title: Text;
  questions: number;
  langs: string[];
}
export type Feature = 'models' | 'runs' | 'run' | 'recommend' | 'verdicts' | 'votes';
export interface ServerState {
  version?: string;
  currency: string;
  price_per_hour: number | null;
  max_body_bytes?: number;
  features: Feature[];
  models: ModelEntry[];
  suites: SuiteEntry[];
}

export const server = $state({now: null as ServerState | null, problem: ''});

type ListedModel = {id: string; visavis: Omit<ModelEntry, 'name' | 'state'>};

export async function refresh() {
  try {
    server.now = {...(await get<ServerState>('/api/state'))};
    server.now.features ??= [];
    server.now.suites ??= [];
    server.problem = '';
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) {
      server.problem = (error as Error).message;
      return;
    }
    // A server without the page's own routes still answers OpenAI's.
    try {
      const {data} = await get<{data: ListedModel[]}>('/v1/models');
      server.now = {currency: '', price_per_hour: null, features: [], suites: [],
        models: data.map(m => ({...m.visavis, name: m.id, state: 'resident'}))};
    } catch (other) {
      server.problem = (other as Error).message;
    }
  }
}

export const has = (feature: Feature) => server.now?.features.includes(feature) ?? false;

export const place = $state({path: location.hash.slice(1) || '/live'});
addEventListener('hashchange', () => (place.path = location.hash.slice(1) || '/live'));
export const go = (path: string) => (location.hash = path);
