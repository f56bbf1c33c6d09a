/** One header block of a tar archive. Source: tar(5), "Old-Style", "POSIX ustar" and "GNU" headers. */
export interface TarHeader {
  path: string
  sizeBytes: number
  /** One character: `0` file, `5` folder, `L` GNU long name … */
  type: string
}

/** Undefined when the checksum or a number is wrong. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (readOctal(block, 148, 156) !== checksumOf(block)) return undefined
  const sizeBytes = readNumber(block, 124, 136)
  if (sizeBytes === undefined || sizeBytes > Number.MAX_SAFE_INTEGER / 2) return undefined
  const name = readText(block, 0, 100)
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isPosix ? readText(block, 345, 500) : ''
  const type = block.toString('latin1', 156, 157)
  // Links and folders have no content, whatever their size says.
  const hasContent = !'123456'.includes(type)
  return { path: prefix === '' ? name : `${prefix}/${name}`, sizeBytes: hasContent ? sizeBytes : 0, type }
}

/** The sum of all bytes, with blanks where the sum stands. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20
  for (let index = 0; index < 148; index++) sum += block[index]!
  for (let index = 156; index < block.length; index++) sum += block[index]!
  return sum
}

/** Octal, or base 256 (GNU) when the first bit is set. */
function readNumber(block: Buffer, start: number, end: number): number | undefined {
  if (block[start]! !== 0x80) return readOctal(block, start, end)
  let value = 0
  for (let index = start + 1; index < end; index++) value = value * 256 + block[index]!
  return value
}

function readOctal(block: Buffer, start: number, end: number): number | undefined {
  const text = readText(block, start, end).trim()
  return /^[0-7]+$/.test(text) ? parseInt(text, 8) : undefined
}

function readText(block: Buffer, start: number, end: number): string {
  const zero = block.indexOf(0, start)
  return block.toString('utf8', start, zero >= 0 && zero < end ? zero : end)
}
