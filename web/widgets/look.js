/**
 * How the widgets look, as far as a page does not say otherwise: by `::part()`, or by the custom properties that are read here.
 *
 * The sheets are constructed, because the content policy allows no `<style>` and no `style=`.
 */

/** @param {string} text */
export function sheet(text) {
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
}

const COMMON = sheet(`
  :host {
    --good: var(--kube-good, light-dark(#1a7f43, #4cc38a));
    --bad: var(--kube-bad, light-dark(#c22f2f, #ff7b72));
    --quiet: var(--kube-quiet, light-dark(#5b6472, #98a2b3));
    --panel: var(--kube-panel, light-dark(#ffffff, #161a21));
    --line: var(--kube-line, light-dark(#c9ced6, #3a424f));
    --accent: var(--kube-accent, light-dark(#3b5bdb, #91a7ff));
    --radius: var(--kube-radius, 6px);
  }
  :host([hidden]), [hidden] { display: none !important; }
  button {
    font: inherit; color: inherit; background: var(--panel); cursor: pointer; padding: 0.28em 0.8em; min-block-size: 2em;
    border: 1px solid var(--line); border-radius: var(--radius);
  }
  button:hover:not([aria-disabled='true']) { border-color: var(--quiet); }
  button[aria-disabled='true'] { cursor: default; opacity: 0.6; }
  button.primary { border-color: var(--accent); color: var(--accent); font-weight: 600; }
  button.danger { border-color: var(--bad); color: var(--bad); font-weight: 600; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
  [tabindex='-1']:focus-visible { outline: none; }
  dialog {
    box-sizing: border-box; inline-size: min(36rem, 100vw - 2rem); padding: 1.2em 1.4em; overflow-wrap: anywhere;
    color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: calc(2 * var(--radius));
    font: 1rem/1.45 system-ui, sans-serif; text-align: start; white-space: normal;
  }
  dialog::backdrop { background: rgb(0 0 0 / 45%); }
  dialog h2 { margin: 0 0 0.4em; font-size: 1.15em; }
  dialog p { margin: 0.4em 0; }
  dialog > div:last-child { display: flex; flex-wrap: wrap; gap: 0.5em; margin-block-start: 1.2em; justify-content: flex-end; }
`);

/**
 * Gives a widget its shadow root.
 *
 * @param {HTMLElement} host
 * @param {CSSStyleSheet} own
 * @param {Node[]} content
 * @param {Partial<ShadowRootInit>} [options]
 */
export function build(host, own, content, options = {}) {
  const root = host.attachShadow({ mode: 'open', ...options });
  root.adoptedStyleSheets = [COMMON, own];
  root.append(...content);
  return root;
}
