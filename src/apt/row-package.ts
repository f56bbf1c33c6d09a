import type { Digest } from '../core/index.ts'
import type { MirrorPackage } from '../mirror/index.ts'
import type { RepositoryPackage } from './repository/index.ts'
import type { Universe } from './universe.ts'

/** A package as it is published, told by its row: most of it is asked for only where something changed. */
export class RowPackage implements RepositoryPackage {
  readonly package: MirrorPackage
  readonly #universe: Universe
  readonly #row: number

  constructor(universe: Universe, one: MirrorPackage, row: number) {
    this.package = one
    this.#universe = universe
    this.#row = row
  }

  get name(): string {
    return this.package.name
  }

  get version(): string {
    return this.package.version
  }

  get architecture(): string {
    return this.package.architecture
  }

  get sizeBytes(): number {
    return this.package.sizeBytes
  }

  get digest(): Digest {
    return this.package.digest as Digest
  }

  get upstream(): string {
    return this.package.upstream
  }

  get reason(): string {
    return this.package.reason
  }

  /** Of a resolution, the path is the upstream's. */
  get filename(): string {
    return this.package.path
  }

  get component(): string {
    return this.#universe.member(this.#row).component
  }

  get sourceName(): string {
    return this.#universe.packageOf(this.#row).source.name
  }

  get identity(): string {
    return this.#universe.identity(this.#row)
  }

  stanza(): Buffer {
    return this.#universe.stanza(this.#row)
  }
}
