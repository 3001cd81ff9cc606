/** Types of kubedom/fake.js: a cluster for the tests of pages. */

import type { CommandTarget, KubeCluster, wire } from './index.js';

/** How a command ends; with a `code` it is refused before it became an action. */
export interface Answer {
  phase?: 'Succeeded' | 'Failed' | 'Denied' | 'Expired';
  message?: string;
  code?: string;
}

/**
 * What was recorded (one message a line), or messages and entries as objects. An entry without `time` is there from the
 * beginning; every other one happens at its time.
 */
export type Journal = string | readonly object[];

export class FakeCluster {
  /** What the page asked for, in order. */
  readonly commands: readonly wire.Command[];
  /** How a command ends; unless it is replaced, every one succeeds. */
  answer: (command: wire.Command) => Answer | Promise<Answer>;
  /** What `can()` says; unless it is replaced, yes. */
  allow: (name: string, target: CommandTarget) => boolean;
  /** The fake cluster's clock, in milliseconds since the epoch. It begins at the first entry's time. */
  readonly now: number;
  /** Lets time pass; fulfilled when all that was due is applied and told. */
  advance(milliseconds: number): Promise<void>;
  /** Lets everything happen that is still to come. */
  finish(): Promise<void>;
  /** Lets something happen now that is not in the journal. */
  tell(...entries: object[]): Promise<void>;
  /** Lets the page read everything again, as after a gap that cannot be filled. */
  resync(reason?: string): Promise<void>;
  /** Takes the connection away; what happens meanwhile is told after `connect()`, as replayed. */
  disconnect(): void;
  connect(): Promise<void>;
  /** Lets the page go back to its bridge. */
  stop(): void;
}

/** Puts a fake cluster in the place of the one that a `<kube-cluster>` is connected to; fulfilled when it is shown. */
export function replay(cluster: KubeCluster, journal: Journal): Promise<FakeCluster>;

/** Connects anew and takes down what the bridge tells; `stop()` gives the journal. */
export function record(cluster: KubeCluster): { stop(): string };
