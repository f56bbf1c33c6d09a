import { LarderError } from '../../../core/index.ts'

/**
 * The names on a path below a root, as a string of bytes (latin1). `./` and a leading `/` mean the root, as in every
 * archive; `..` and control characters are refused, and so is a name that no file system takes.
 *
 * @throws DISK_IMAGE_SOURCE_INVALID
 */
export function splitRootPath(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  for (const name of names) {
    const why = whyRefused(name)
    if (why === undefined) continue
    throw new LarderError('DISK_IMAGE_SOURCE_INVALID', {
      message: `The image has an entry ${JSON.stringify(readable(path.slice(0, 200)))}: ${why}.`,
      hint: 'Build the image again with another tool, or find out who made it: no builder of images writes such an entry.',
      context: { path: readable(path.slice(0, 200)) },
    })
  }
  return names
}

/** As people write it. */
export function readable(path: string): string {
  return inBytes(path).toString('utf8')
}

/** The bytes of a path, for calls that take them. */
export function inBytes(path: string): Buffer {
  return Buffer.from(path, 'latin1')
}

/** A path of this machine as a string of bytes. */
export function byteString(path: string): string {
  return Buffer.from(path).toString('latin1')
}

const maxNameBytes = 255

function whyRefused(name: string): string | undefined {
  if (name === '..') return 'it leads out of the root by ..'
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'it has a control character in its name'
  if (name.length > maxNameBytes) return `one of its names is longer than ${maxNameBytes} bytes`
  return undefined
}
