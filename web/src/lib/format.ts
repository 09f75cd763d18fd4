// Numbers as people read them; '–' where there is none.
const MIB = 1048576;
const NONE = '–';
type Maybe = number | null | undefined;

export const number = (x: Maybe, digits = 1) => (x == null ? NONE : x.toFixed(digits));
export const percent = (x: Maybe) => (x == null ? NONE : (100 * x).toFixed(1) + ' %');
export const seconds = (x: Maybe) =>
    x == null ? NONE :
    x < 1     ? (1000 * x).toFixed(x < 0.01 ? 2 : 0) + ' ms' :
                x.toFixed(2) + ' s';
export const mebibytes = (x: Maybe) => (x == null ? NONE : (x / MIB).toFixed(1) + ' MiB');
export const money = (x: Maybe, currency: string) =>
    x == null ? NONE : `${precise(x)} ${currency}`;
/** Three significant digits, never in powers of ten for what people pay. */
export const precise = (x: number) =>
    x !== 0 && Math.abs(x) < 1e-6 ? x.toPrecision(3) :
    x >= 1000                     ? x.toFixed(0) :
                                    String(Number(x.toPrecision(3)));
export const signedPoints = (x: Maybe) =>
    x == null ? NONE : (x > 0 ? '+' : x < 0 ? '−' : '') + Math.abs(100 * x).toFixed(1);
export const date = (iso: string) => iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
