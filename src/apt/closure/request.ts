import type { ListedPackage } from '../../mirror/index.ts'
import type { BaseSet } from '../base-set.ts'

/** A line of the package list; without a position, problems are told without a place. */
export type ListedForClosure = Omit<ListedPackage, 'position'> & Partial<Pick<ListedPackage, 'position'>>

/** What a mirror asks of its upstreams. The order of the list does not matter. */
export interface ClosureRequest {
  listed: readonly ListedForClosure[]
  /** Whether recommendations are followed where the list does not say. Default: false. */
  recommends?: boolean
  /** Default: `none`. */
  base?: BaseSet
  /** Names that are never taken. Default: none. */
  exclude?: readonly string[]
}
