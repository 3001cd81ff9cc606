/**
 * Values as people read them: ages, names of failures, kubectl's command lines.
 *
 * @import {Incident, KubeResource} from '../index.js'
 */
import { spaced } from '../widgets/html.js';
import { language } from './text.js';

export { spaced };

/**
 * An age as kubectl prints it: the two largest units while they matter.
 *
 * @param {string | number | undefined} since RFC 3339, or milliseconds.
 * @param {number} [now]
 */
export function age(since, now = Date.now()) {
  const start = typeof since === 'number' ? since : Date.parse(since ?? '');
  if (Number.isNaN(start)) return '';
  const seconds = Math.max(0, Math.floor((now - start) / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return joined(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return joined(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  return days < 8 ? joined(days, 'd', hours % 24, 'h') : `${days}d`;
}

/** @param {number} large @param {string} unit @param {number} small @param {string} subunit */
function joined(large, unit, small, subunit) {
  return small === 0 ? `${large}${unit}` : `${large}${unit}${small}${subunit}`;
}

/** @param {string | number | undefined} time */
export function clock(time) {
  const date = new Date(time ?? '');
  return Number.isNaN(date.getTime()) ? '' : date.toLocaleTimeString(language);
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/**
 * What failed, in a sentence; the operator's own if it has one.
 *
 * @param {Incident} incident
 */
export function sentence(incident) {
  if (incident.message) return incident.message;
  const { kind, name } = incident.resource;
  return `${kind} ${name}: ${spaced(incident.kind).toLowerCase()}.`;
}

/**
 * @param {Incident} incident
 * @param {{kind: string, name: string} | null} workload
 * @returns {string} The command lines that show and do what the dialog does.
 */
export function kubectl(incident, workload) {
  const { kind, name, namespace } = incident.resource;
  const where = namespace ? ` -n ${quoted(namespace)}` : '';
  const lines = [`kubectl describe ${quoted(kind.toLowerCase())} ${quoted(name)}${where}`];
  if (kind === 'Pod') {
    const container = incident.container ? ` -c ${quoted(incident.container)}` : '';
    lines.push(`kubectl logs ${quoted(name)}${where}${container} --previous`, `kubectl delete pod ${quoted(name)}${where}`);
  }
  const deployment = kind === 'Deployment' ? name : workload?.kind === 'Deployment' ? workload.name : '';
  if (deployment) lines.push(`kubectl rollout restart deployment ${quoted(deployment)}${where}`);
  return lines.join('\n');
}

/**
 * A word of a command line that people copy into their shells: whatever is not a plain name is quoted.
 *
 * @param {string} word
 */
function quoted(word) {
  return /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * An action as a sentence says it: `restartDeployment` of a Deployment as "restart Deployment web".
 *
 * @param {string} action
 * @param {{kind?: string, name?: string} | undefined} target
 */
export function doing(action, target) {
  const words = spaced(action).toLowerCase();
  const kind = target?.kind ?? '';
  const verb = words.endsWith(` ${spaced(kind).toLowerCase()}`) ? words.slice(0, -spaced(kind).length - 1) : words;
  return `${verb} ${kind} ${target?.name ?? ''}`.trim();
}

const RANKS = ['critical', 'error', 'warning', 'info'];

/**
 * For sorting: the worst first.
 *
 * @param {string} severity
 */
export function rank(severity) {
  const at = RANKS.indexOf(severity);
  return at < 0 ? 1 : at;
}

const collator = new Intl.Collator(language, { numeric: true });
/** For sorting names as people do: 2 before 10. */
export const compare = collator.compare.bind(collator);

/**
 * When a resource was made, in milliseconds; NaN while that is not known.
 *
 * @param {KubeResource} resource
 */
export function bornAt(resource) {
  return Date.parse(resource.object?.metadata?.creationTimestamp ?? '');
}
