/**
 * What a health check expects, and what it makes of an answer.
 *
 * In: the text of `expect` and a Response. Out: a verdict that names both sides. It promises to read no more of a body than it
 * takes to find the text, and at most a mebibyte.
 */

const LONGEST_BODY = 1024 * 1024;
const STATUS = /^[1-5](?:\d\d|xx)$/i;

/**
 * @typedef {object} Expectation
 * @property {string[]} statuses As `200` or `2xx`; the answer must have one of them.
 * @property {string} text What the body must contain; empty when it is not looked at.
 *
 * @typedef {object} Verdict
 * @property {boolean} passed
 * @property {'Status' | 'Text' | 'Timeout' | 'Unreachable' | ''} reason
 * @property {number} status 0 without an answer.
 * @property {string} received What came, in words.
 */

/**
 * Reads `expect`: statuses first, the rest is text. `200`, `2xx`, `200,204`, `200 ready`, `ready`; text that looks like a status
 * is quoted: `"404"`.
 *
 * @param {string | null} source
 * @returns {Expectation}
 */
export function readExpectation(source) {
  const words = (source ?? '').trim();
  const list = /^(?:[1-5](?:\d\d|xx)(?:[\s,]+|$))+/i.exec(words)?.[0] ?? '';
  const statuses = list.split(/[\s,]+/).filter((word) => STATUS.test(word)).map((word) => word.toLowerCase());
  const rest = words.slice(list.length).trim();
  const text = /^(["'])(.*)\1$/s.exec(rest)?.[2] ?? rest;
  return { statuses: statuses.length > 0 ? statuses : ['2xx'], text };
}

/** @param {Expectation} expectation */
export function describe({ statuses, text }) {
  return statuses.join(' or ') + (text ? ` with the text “${text}”` : '');
}

/**
 * @param {Response} response
 * @param {Expectation} expectation
 * @returns {Promise<Verdict>}
 */
export async function judge(response, { statuses, text }) {
  const { status } = response;
  const code = String(status);
  if (!statuses.some((each) => each === code || (each.endsWith('xx') && each[0] === code[0]))) {
    response.body?.cancel().catch(ignore);
    return { passed: false, reason: 'Status', status, received: code };
  }
  if (text && !(await contains(response, text))) {
    return { passed: false, reason: 'Text', status, received: `${code} without that text` };
  }
  if (!text) response.body?.cancel().catch(ignore);
  return { passed: true, reason: '', status, received: code };
}

/**
 * @param {Response} response
 * @param {string} text
 */
async function contains(response, text) {
  const reader = response.body?.getReader();
  if (!reader) return false;
  const decoder = new TextDecoder();
  let tail = '';
  let bytes = 0;
  try {
    while (bytes < LONGEST_BODY) {
      const { done, value } = await reader.read();
      if (done) return false;
      tail += decoder.decode(value.subarray(0, LONGEST_BODY - bytes), { stream: true });
      bytes += value.byteLength;
      if (tail.includes(text)) return true;
      // The text may begin at the end of one chunk.
      tail = tail.slice(-text.length);
    }
    return false;
  } finally {
    reader.cancel().catch(ignore);
  }
}

/** Of a body that broke off, whoever reads it has heard already. */
function ignore() {}
