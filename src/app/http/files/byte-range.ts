/** `end` is exclusive. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * What a Range header asks of a file: `whole` when there is none, when it is malformed or of another unit, and when
 * it asks for several ranges, which a server may answer in full. One that ends before it begins is refused, as clients of
 * registries expect. Source: RFC 9110 §14.1.1, §14.2.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'whole' | 'unsatisfiable' {
  const spec = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '')
  if (!spec) return 'whole'
  const [, first = '', last = ''] = spec
  if (first === '') return last === '' ? 'whole' : suffix(Number(last), sizeBytes)
  const start = Number(first)
  if (start >= sizeBytes || (last !== '' && Number(last) < start)) return 'unsatisfiable'
  return { start, end: last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes) }
}

function suffix(lengthBytes: number, sizeBytes: number): ByteRange | 'whole' | 'unsatisfiable' {
  if (lengthBytes === 0) return 'unsatisfiable'
  return lengthBytes >= sizeBytes ? 'whole' : { start: sizeBytes - lengthBytes, end: sizeBytes }
}
