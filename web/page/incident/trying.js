/**
 * What an action would do: it is asked for as a dry run, and what would be changed is read from its status.
 *
 * @import {KubeResource} from '../../index.js'
 */
import { askJson } from '../requests.js';

/**
 * @param {KubeResource} element
 * @param {string} command
 * @returns {Promise<{message: string, changes: string[]}>}
 * @throws {import('../../index.js').CommandError}
 */
export async function tried(element, command) {
  const { message, action } = await element.command(command, {}, { dryRun: true, reason: 'tried on the kubedom page' });
  const { items } = await askJson('/api/v1/actions', { query: { namespace: action?.namespace, limit: 100 } }).catch(() => ({ items: [] }));
  const done = items.find((/** @type {any} */ { metadata }) => metadata.name === action?.name);
  return { message, changes: done?.status?.changes ?? [] };
}
