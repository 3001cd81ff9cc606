/**
 * Plain requests to kubedom's REST interface, with the user's own cookie.
 *
 * In: a path and what to send. Out: the answer's JSON, or an error with the problem document's sentence (RFC 9457).
 */

/** A refusal: `message` is a sentence, `remedy` what to do, `field` what is at fault, `code` a word such as `forbidden`. */
export class Refusal extends Error {
  /** @param {number} status @param {{type?: string, title?: string, detail?: string, field?: string, [more: string]: unknown}} problem */
  constructor(status, problem) {
    super(problem.title ?? `HTTP ${status}`);
    this.name = 'Refusal';
    this.status = status;
    this.code = (problem.type ?? '').replace('urn:kubedom:', '');
    this.remedy = problem.detail ?? '';
    this.field = problem.field ?? '';
    this.problem = problem;
  }
}

/**
 * @param {string} path
 * @param {RequestInit & {query?: Record<string, string | number | boolean | undefined>}} [options] Of `query` what is undefined is left out.
 * @returns {Promise<Response>} An answer that is no refusal.
 * @throws {Refusal}
 */
export async function ask(path, { query = {}, ...options } = {}) {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, String(value)]]));
  const response = await fetch(given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path, options);
  if (response.ok) return response;
  throw new Refusal(response.status, await response.json().catch(() => ({ title: `${response.status} ${response.statusText}` })));
}

/**
 * @param {string} path
 * @param {Parameters<typeof ask>[1]} [options]
 * @returns {Promise<any>}
 * @throws {Refusal}
 */
export async function askJson(path, options) {
  return (await ask(path, options)).json();
}
