import { existsSync } from 'node:fs'
import { hexOf } from '../core/index.ts'
import type { BlobStore } from '../store/index.ts'
import { compilePacked, wantsThread } from './compile/compile-packed.ts'
import { SpareWorker } from './compile/spare-worker.ts'
import { openWritten } from './compile-index.ts'
import { indexPath, PackageIndex } from './package-index.ts'
import { packedIndex, type ChosenIndex, type Suite, type SuiteIndex } from './upstream/index.ts'

/** Opens the indices of one load, one after the other. To be closed when the load is done; what was opened stays open. */
export class CompiledIndices {
  readonly #store: BlobStore
  readonly #folder: string
  readonly #spare = new SpareWorker()

  constructor({ store, cacheFolder }: { store: BlobStore; cacheFolder: string }) {
    this.#store = store
    this.#folder = cacheFolder
  }

  /** Told what is about to be fetched, gets ready for what will have to be compiled. */
  expect(chosen: readonly ChosenIndex[]): void {
    const isNew = ({ kind, file }: ChosenIndex): boolean =>
      isOfPackages({ kind }) &&
      wantsThread(file) &&
      file.sha256 !== undefined &&
      !existsSync(indexPath(this.#folder, file.sha256))
    if (chosen.some(isNew)) this.#spare.start()
  }

  /** The compiled index; compiles it when there is none, or only a damaged one, or one of an older Larder. */
  async open(suite: Suite, index: SuiteIndex, signal: AbortSignal): Promise<PackageIndex> {
    const kind = index.kind === 'Sources' ? 'sources' : 'packages'
    const what = kind === 'sources' ? 'source' : index.architecture
    const label = `upstream ${suite.upstream}, ${suite.suite}/${index.component} ${what}`
    const options = { folder: this.#folder, key: hexOf(index.digest), kind, label } as const
    const known = PackageIndex.open(options.folder, options.key)
    if (known !== undefined) return known
    await compilePacked(packedIndex(this.#store, index), options, { signal, spare: this.#spare })
    return openWritten(options)
  }

  async close(): Promise<void> {
    await this.#spare.stop()
  }
}

export function isOfPackages({ kind }: Pick<SuiteIndex, 'kind'>): boolean {
  return kind === 'Packages' || kind === 'Sources'
}
