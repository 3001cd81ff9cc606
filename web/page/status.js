/**
 * The header: which cluster, how current, how many.
 *
 * A page that is not live says so in words at once, with since when; it never looks better than it is.
 *
 * @import {KubeCluster} from '../index.js'
 */
import { byId, setText } from './html.js';
import { t } from './text.js';
import { clock } from './wording.js';

/** @param {KubeCluster} cluster */
export function showStatus(cluster) {
  const connection = byId('connection');
  const banner = byId('banner');

  const countDown = () => {
    const { retryAt } = cluster.status;
    const seconds = retryAt ? Math.ceil((retryAt - Date.now()) / 1000) : 0;
    setText(byId('bannerRetry'), seconds > 1 ? t('frame.retryIn', { seconds }) : retryAt ? t('frame.retrying') : '');
  };

  const show = () => {
    const { state, reason, message, since, final } = cluster.status;
    const signedOut = reason === 'signed-out';
    connection.dataset.state = state;
    connection.title = message;
    const lag = Math.round(Number(cluster.getAttribute('lag')));
    const word = state === 'live' && lag > 0 ? t('frame.behind', { seconds: lag }) : t(`frame.${state}`);
    setText(byId('connectionWord'), signedOut ? t('frame.signedOut') : word);
    setText(byId('clusterName'), cluster.info.name);
    setText(byId('clusterVersion'), cluster.info.version);
    const trouble = state === 'stale' || state === 'offline' || reason === 'resync';
    banner.hidden = !trouble;
    banner.dataset.state = state;
    if (trouble) {
      setText(byId('bannerWord'), signedOut ? `${t('frame.signedOut')}.` : t('frame.since', { state: t(`frame.${state}`), time: clock(since) }));
      setText(byId('bannerText'), message);
      countDown();
    }
    byId('retryButton').hidden = state !== 'offline' || (final && !signedOut);
    document.documentElement.dataset.connection = state;
  };

  cluster.addEventListener('kube:status', show);
  byId('retryButton').addEventListener('click', () => cluster.reconnect());
  // The banner is read out when it appears; its countdown must not be, second by second.
  byId('bannerRetry').setAttribute('aria-hidden', 'true');
  setInterval(() => {
    if (!banner.hidden) countDown();
  }, 1000);
  show();
}

/**
 * @param {number} pods
 * @param {number} failing
 * @param {number} namespaces
 * @param {string} cluster
 */
export function showCounters(pods, failing, namespaces, cluster) {
  setText(byId('podCount'), pods.toLocaleString());
  setText(byId('failingCount'), failing.toLocaleString());
  setText(byId('namespaceCount'), namespaces.toLocaleString());
  byId('failingCounter').toggleAttribute('data-failing', failing > 0);
  const title = `${failing > 0 ? `(${failing}) ` : ''}${cluster ? `${cluster} · ` : ''}kubedom`;
  if (document.title !== title) document.title = title;
}
