import type { Change, Kind } from '../core/index.ts'

/**
 * A kind with its types forgotten, which is all that the pipeline sees of it: what a kind's `observe` answers is
 * only ever handed back to the same kind.
 */
export type AnyKind = Kind<unknown, unknown, Change, unknown>

/** Takes a kind of known types into the pipeline. */
export function asAnyKind<Desired, Observed, Planned extends Change, Staged>(
  kind: Kind<Desired, Observed, Planned, Staged>,
): AnyKind {
  return kind
}
