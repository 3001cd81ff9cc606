/**
 * Types of `kubedom/widgets.js`; `document.querySelector('kube-button')` is typed by importing it.
 */

import type { ClusterEvent, FailureDetail, KubeResource } from '../index.js';

/** What the widgets have in common: they work while they are in a document, and stop when they are taken out. */
export class KubeWidget extends HTMLElement {
  connectedCallback(): void;
  disconnectedCallback(): void;
}

/**
 * Attributes: `src`, `interval` (`30s`), `timeout` (`10s`), `expect` (`2xx`; `200,204`; `200 ready`), `name`; it sets `state`
 * (`unknown`, `passing`, `failing`) and `status` (of the last answer).
 */
export class KubeHealthcheck extends KubeWidget {
  /** Whether the last check passed; null before the first one is done. */
  readonly passing: boolean | null;
  /** Checks now, or waits for the check that is running. */
  check(): Promise<boolean>;
}

/** The detail of the `resource-failed` and `resource-recovered` of a `<kube-healthcheck>`. */
export interface HealthcheckDetail extends FailureDetail {
  healthcheckName: string;
  src: string;
  expected: string;
  received: string;
  /** 0 without an answer. */
  status: number;
  reason: 'Status' | 'Text' | 'Timeout' | 'Unreachable' | '';
  message: string;
}

/** Attributes: `selector`, `cluster` (a selector of the cluster's element), `live`; it sets `count` and `state` (the connection's). */
export class KubeCount extends KubeWidget {
  /** Null while it is not known. */
  readonly count: number | null;
}

/**
 * Attributes: `command`, `for` (a uid or a selector), `cluster`, `parameters` (JSON), `reason`, `confirm` (the question), `dry-run`,
 * `disabled`; it sets `state` (`idle`, `running`, `succeeded`, `failed`) and `denied`.
 */
export class KubeButton extends KubeWidget {
  /** The resource that a press is about; null while there is none. */
  readonly target: KubeResource | null;
}

/** Attributes: `on` (event types), `selector` (of the elements whose events count). */
export class KubeModal extends KubeWidget {
  readonly open: boolean;
  /** The event that the open dialog tells of. */
  readonly event: Event | ClusterEvent | null;
  /** Whom it is about, the innermost first. */
  readonly resources: readonly KubeResource[];
  close(): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'kube-button': KubeButton;
    'kube-count': KubeCount;
    'kube-healthcheck': KubeHealthcheck;
    'kube-modal': KubeModal;
  }

  interface GlobalEventHandlersEventMap {
    /** A `<kube-modal>` is about to open; on it. */
    'kube:open': CustomEvent<{ event: Event | ClusterEvent }>;
    /** A `<kube-modal>` was closed; on it. */
    'kube:close': CustomEvent<null>;
  }
}
