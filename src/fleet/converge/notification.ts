import { digestOf, hexOf } from '../../core/index.ts'
import type { Resource } from '../resource/resource-type.ts'

/**
 * On a host, an empty file for each notification that is owed: made before the notifier is changed, removed when it was given, so
 * that it is not forgotten when anything is killed between the two.
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

/** Ids of those that notify it. */
export function notifiersOf(target: Resource, resources: readonly Resource[]): string[] {
  if (target.type.notified === undefined) return []
  return resources.filter(({ notify }) => notify.includes(target.id)).map(({ id }) => id)
}

/** Ids of those that owe it a notification since an earlier run. */
export function owedBy(target: Resource, resources: readonly Resource[], pending: ReadonlySet<string>): string[] {
  return notifiersOf(target, resources).filter((notifier) => pending.has(markOf(target.id, notifier)))
}
