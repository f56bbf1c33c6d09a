import type { BalancedService } from './balanced-service.ts'
import { quoteWord } from './quote-word.ts'

/** Which requests are for a backend. */
export interface Route {
  /** Of the service. */
  readonly name: string
  /** One host name, or all below one (`*.example.org`); undefined: all there are. */
  readonly host: string | undefined
  /** Beginning of paths, without an end `/`; '': all paths. */
  readonly folder: string
  readonly backend: string
}

export function routesOf({ name, balance: { hosts, path } }: BalancedService, backend: string): Route[] {
  const folder = folderOf(path)
  return (hosts.length === 0 ? [undefined] : hosts).map((host) => ({ name, host, folder, backend }))
}

/** `/api/` and `/api` are the same beginning. */
export function folderOf(path: string | undefined): string {
  return (path ?? '').replace(/\/+$/, '')
}

export function isForAll({ host, folder }: Route): boolean {
  return host === undefined && folder === ''
}

/**
 * The first that fits has a request: those of one host, then those of all below one, the longest name first, then those of every
 * host; of each the longest path.
 */
export function specificFirst(a: Route, b: Route): number {
  const difference = rankOf(b) - rankOf(a) || b.folder.length - a.folder.length
  return difference || (`${a.host} ${a.name}` < `${b.host} ${b.name}` ? -1 : 1)
}

const longestName = 253

function rankOf({ host }: Route): number {
  if (host === undefined) return 0
  return host.startsWith('*.') ? host.length : longestName + 1
}

/** A condition of HAProxy: `or` binds less than what stands side by side. */
export function conditionOf({ host, folder }: Route): string {
  const ofHost = host === undefined ? [] : [hostCondition(host)]
  if (folder === '') return ofHost.join('')
  const ofPath = [`{ path -m str -- ${quoteWord(folder)} }`, `{ path -m beg -- ${quoteWord(`${folder}/`)} }`]
  return ofPath.map((one) => [...ofHost, one].join(' ')).join(' or ')
}

function hostCondition(host: string): string {
  const [match, pattern] = host.startsWith('*.') ? ['end', host.slice(1)] : ['str', host]
  return `{ req.hdr(host),host_only,lower -m ${match} -- ${quoteWord(pattern)} }`
}
