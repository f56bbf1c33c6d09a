import type { Digest } from '../../core/index.ts'
import type { RpmPackage } from '../rpm-package.ts'

/** Of headers, as they are in the files: in memory they take some five times as much. */
const mostBytes = 4 * 1024 * 1024

/**
 * Headers that were read when packages were verified, for the metadata that is composed next. Those for which there is
 * no room are read again.
 */
export class HeaderMemory {
  readonly #packages = new Map<Digest, RpmPackage>()
  #bytes = 0

  add(digest: Digest, rpm: RpmPackage): void {
    const sizeBytes = rpm.headerEnd
    if (this.#bytes + sizeBytes > mostBytes || this.#packages.has(digest)) return
    this.#bytes += sizeBytes
    this.#packages.set(digest, rpm)
  }

  get(digest: Digest): RpmPackage | undefined {
    return this.#packages.get(digest)
  }

  clear(): void {
    this.#packages.clear()
    this.#bytes = 0
  }
}
