export const GRADES = ['full', 'partial', 'wrong'] as const;
export type Verdict = (typeof GRADES)[number];
/** Tells the server a person's verdict; the report is drawn anew from what it then computes. */
export type GiveVerdict = (item: number, model: number, grade: Verdict) => Promise<void>;
