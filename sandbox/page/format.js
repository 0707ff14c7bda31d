// How times, sizes and durations are written; times in the viewer's own zone, as Teams shows them.

const MINUTE = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECOND = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const SHORT_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

function written(format, iso) {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? String(iso ?? "") : format.format(date);
}

export const minute = (iso) => written(MINUTE, iso);
export const second = (iso) => written(SECOND, iso);
export const day = (iso) => written(DAY, iso);

/** Date and time to the second, for the clock. */
export const moment = (date) => `${SHORT_DAY.format(date)}, ${SECOND.format(date)}`;

/** Bytes as a person reads them: "812 B", "6.2 KB" (1 KB = 1,000 bytes, as Teams counts its limits). */
export function bytes(count) {
  return count < 1000 ? `${count} B` : `${(count / 1000).toFixed(1)} KB`;
}

/** Milliseconds: "0.4 ms", "41 ms", "1.25 s". */
export function duration(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return ms < 1 && ms > 0 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** A thing and its number: "1 row", "6 rows". */
export function counted(count, thing) {
  return `${count.toLocaleString("en-GB")} ${thing}${count === 1 ? "" : "s"}`;
}
