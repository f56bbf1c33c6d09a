import { digestOf, hexOf } from '../../core/index.ts'
import type { Difference, Resource } from '../resource/resource-type.ts'
import type { Script } from '../shell/script.ts'
import type { PlannedEntry } from './host-plan.ts'

/**
 * On a host, an empty file for each notification that is owed: made before the notifier is changed, removed when it was given, so
 * that it is not forgotten when anything is killed between the two. And one for each resource that was begun and has not been of
 * use since.
 */
export const pendingFolder = '/var/lib/larder-host/pending'

/** `target.notifier`, each as 16 digits. */
export function markOf(target: string, notifier: string): string {
  return `${shortOf(target)}.${shortOf(notifier)}`
}

/** Begins the marks of all that is owed to a resource. */
export function shortOf(id: string): string {
  return hexOf(digestOf(id)).slice(0, 16)
}

/** Of one that was begun, until it is ready. */
export function readyMarkOf(id: string): string {
  return `ready.${shortOf(id)}`
}

/** How a plan says that of one. */
export const notSeenReady: Difference = { what: 'readiness', to: 'not seen since it was begun' }

/** Whether nothing is to be changed of it, but to be asked. */
export function isOnlyAsked({ state, differences }: PlannedEntry): boolean {
  return state === 'change' && differences.length > 0 && differences.every(({ what }) => what === notSeenReady.what)
}

/** What tells whether it is of use, where that is still to be heard since an earlier run. */
export function readinessOwed({ id, type, desired }: Resource, pending: ReadonlySet<string>): Script | undefined {
  return pending.has(readyMarkOf(id)) ? type.ready?.(desired) : undefined
}

/** Ids of those that notify it. */
export function notifiersOf(target: Resource, resources: readonly Resource[]): string[] {
  if (target.type.notified === undefined) return []
  return resources.filter(({ notify }) => notify.includes(target.id)).map(({ id }) => id)
}

/** Ids of those that owe it a notification since an earlier run. */
export function owedBy(target: Resource, resources: readonly Resource[], pending: ReadonlySet<string>): string[] {
  return notifiersOf(target, resources).filter((notifier) => pending.has(markOf(target.id, notifier)))
}
