import { Header, HeaderFault } from './header.ts'
import { Tag } from './tag.ts'

/** A package as the database of rpm describes it. */
export interface InstalledRpm {
  name: string
  epoch: number | undefined
  version: string
  release: string
  architecture: string | undefined
  license: string | undefined
  vendor: string | undefined
  /** File name of the source package. */
  sourceRpm: string | undefined
}

/**
 * Reads a header as it lies in a database of installed packages: without the eight bytes that begin one in a file.
 * Undefined for what is damaged.
 */
export function parseInstalledRpm(bytes: Uint8Array): InstalledRpm | undefined {
  try {
    const header = new Header(Buffer.concat([magic, bytes]))
    const [name, version, release] = [header.text(Tag.name), header.text(Tag.version), header.text(Tag.release)]
    if (!name || !version || !release) return undefined
    return {
      name,
      epoch: header.integer(Tag.epoch),
      version,
      release,
      architecture: header.text(Tag.arch),
      license: header.text(Tag.license),
      vendor: header.text(Tag.vendor),
      sourceRpm: header.text(Tag.sourceRpm),
    }
  } catch (error) {
    if (error instanceof HeaderFault) return undefined
    throw error
  }
}

const magic = Buffer.from('8eade80100000000', 'hex')
