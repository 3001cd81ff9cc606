/**
 * How long to wait before the next attempt: full jitter, so that a thousand pages that lost one bridge together do not come
 * back together.
 */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * @param {number} failures How many attempts failed in a row; 0 means no wait.
 * @param {() => number} [random]
 * @returns {number} Milliseconds, evenly spread between 0 and 0.5 s · 2^(failures - 1), at most 30 s.
 */
export function backoff(failures, random = Math.random) {
  if (failures <= 0) return 0;
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
}
