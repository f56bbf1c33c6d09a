import type { ListedPackage } from '../../mirror/index.ts'

/** A line of the package list; without a position, problems are told without a place. */
export type ListedForClosure = Omit<ListedPackage, 'position'> & Partial<Pick<ListedPackage, 'position'>>

/** One build of a stream of a module, as modules.yaml has it. */
export interface ModuleBuild {
  module: string
  stream: string
  /** Digits; the greatest of a stream and context counts. */
  version: string
  context: string
  /** The packages of the build: `name-epoch:version-release.architecture`. */
  artifacts: readonly string[]
  /** Streams of other modules that it needs, any of those named; none named: any stream. */
  requires?: Readonly<Record<string, readonly string[]>>
}

export interface ModuleMetadata {
  builds: readonly ModuleBuild[]
  /** Stream by module. */
  defaults: Readonly<Record<string, string>>
}

/** What a mirror asks of its upstreams. The order of the list does not matter. */
export interface ClosureRequest {
  /** Packages, capabilities, paths of files, and `@name:stream` for all of a module's stream. */
  listed: readonly ListedForClosure[]
  /** Whether Recommends and Supplements are followed where the list does not say. Default: false. */
  recommends?: boolean
  /** Names that are never taken. Default: none. */
  exclude?: readonly string[]
  /** How many versions of each listed package, the best that can be installed. Default: 1. */
  versions?: number
  /** Default: no modules. */
  modules?: ModuleMetadata
  /** `name:stream`, besides the default streams. Default: none. */
  streams?: readonly string[]
}
