/**
 * Who one is, signing out, and signing in again without losing what is shown.
 *
 * In: the connection's status. Out: the menu behind the user's name (identity, language, colours, sign-out), and a dialog when the
 * session is over. It promises that an expired session costs no view: the page stays as it is until somebody signs in.
 *
 * @import {KubeCluster} from '../index.js'
 */
import { byId, html, setText } from './html.js';
import { Refusal, ask, askJson } from './requests.js';
import { LANGUAGES, choose, language, t } from './text.js';
import { toast } from './toasts.js';
import { clock } from './wording.js';

/** What was chosen, kept for the next visit: `light`, `dark`, or nothing for what the system says. */
const SCHEME = 'kubedom.scheme';

export class Account {
  /** @type {KubeCluster} */
  #cluster;
  /** @type {HTMLDialogElement} */
  #dialog = byId('signInDialog');
  #said = byId('signInSaid');
  /** @type {HTMLTextAreaElement} */
  #token = byId('signInToken');
  /** Whether it was the user who signed out. */
  #leaving = false;

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
    cluster.addEventListener('kube:status', () => this.#follow());
    byId('signOut').addEventListener('click', () => void this.#signOut());
    byId('signInForm').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#signIn();
    });
    byId('signInLater').addEventListener('click', () => this.#dialog.close());
    byId('retryButton').addEventListener('click', () => {
      if (cluster.status.reason === 'signed-out') void this.#explain();
    });
    // Somebody may have signed in in another tab meanwhile.
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && cluster.status.reason === 'signed-out') cluster.reconnect();
    });
    this.#offerLanguages();
    this.#offerSchemes();
    this.#follow();
  }

  #follow() {
    const { state, reason } = this.#cluster.status;
    const { user } = this.#cluster;
    byId('account').hidden = user === '';
    setText(byId('accountName'), user);
    if (state === 'live') {
      this.#dialog.close();
      void this.#describe();
    }
    if (reason === 'signed-out' && !this.#leaving) void this.#explain();
  }

  async #describe() {
    const session = await askJson('/api/session').catch(() => null);
    if (!session) return;
    setText(byId('accountUser'), session.user);
    byId('accountGroups').replaceChildren(...session.groups.map((/** @type {string} */ group) => html('li', {}, html('bdi', {}, group))));
    const ends = byId('accountEnds');
    ends.hidden = session.expires === null;
    setText(ends, session.expires === null ? '' : t('account.ends', { time: clock(session.expires * 1000) }));
  }

  /** Says how one signs in here; only with a token it can be done on this page. */
  async #explain() {
    if (this.#dialog.open) return;
    let way;
    try {
      await ask('/api/session');
      // The session is there all the same: another tab has signed in.
      this.#cluster.reconnect();
      return;
    } catch (error) {
      if (!(error instanceof Refusal)) return;
      way = String(error.problem.signIn ?? '');
    }
    if (this.#dialog.open) return;
    setText(byId('signInHow'), way === 'token' ? t('account.byToken') : way === 'link' ? t('account.byLink') : t('account.byProxy'));
    byId('signInField').hidden = byId('signInButton').hidden = way !== 'token';
    byId('signInReload').hidden = way !== 'proxy';
    this.#say('');
    if (document.querySelector('dialog[open]')) return;
    this.#dialog.showModal();
    if (way === 'token') this.#token.focus();
    else byId('signInTitle').focus();
  }

  async #signIn() {
    const token = this.#token.value.trim();
    if (token === '') {
      this.#say(t('account.noToken'));
      this.#token.focus();
      return;
    }
    try {
      const headers = { 'Content-Type': 'application/json' };
      await ask('/api/session', { method: 'POST', headers, body: JSON.stringify({ token }) });
    } catch (error) {
      this.#say(error instanceof Refusal ? `${error.message} ${error.remedy}`.trim() : t('account.unreachable'));
      this.#token.focus();
      return;
    }
    this.#token.value = '';
    this.#dialog.close();
    this.#cluster.reconnect();
  }

  async #signOut() {
    this.#leaving = true;
    try {
      await ask('/api/session', { method: 'DELETE' });
      this.#cluster.disconnect();
      location.reload();
    } catch (error) {
      this.#leaving = false;
      toast(error instanceof Refusal ? error.message : t('account.unreachable'), 'failed');
    }
  }

  /** @param {string} text */
  #say(text) {
    setText(this.#said, text);
    this.#said.hidden = text === '';
    this.#token.setAttribute('aria-invalid', String(text !== ''));
  }

  #offerLanguages() {
    /** @type {HTMLSelectElement} */
    const list = byId('languageChoice');
    list.replaceChildren(...Object.entries(LANGUAGES).map(([tag, { name }]) => html('option', { value: tag, lang: tag }, name)));
    list.value = language;
    list.addEventListener('change', () => choose(list.value));
  }

  #offerSchemes() {
    /** @type {HTMLSelectElement} */
    const list = byId('schemeChoice');
    list.value = localStorage.getItem(SCHEME) ?? '';
    const show = () => {
      if (list.value) document.documentElement.dataset.scheme = list.value;
      else delete document.documentElement.dataset.scheme;
    };
    list.addEventListener('change', () => {
      localStorage.setItem(SCHEME, list.value);
      show();
    });
    show();
  }
}
