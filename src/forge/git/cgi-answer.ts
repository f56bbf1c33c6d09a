export interface CgiHead {
  status: number
  headers: [name: string, value: string][]
  /** Bytes of the body that came with the head. */
  rest: Buffer
}

const maxHeadBytes = 64 * 1024

/**
 * The head of a CGI answer, or undefined while it is incomplete, or `malformed`. Lines end with LF or CRLF; no
 * `Status` means 200. Source: RFC 3875 §6.
 */
export function parseCgiHead(bytes: Buffer): CgiHead | 'malformed' | undefined {
  const end = headEnd(bytes)
  if (end === undefined) return bytes.length > maxHeadBytes ? 'malformed' : undefined
  const lines = bytes.toString('latin1', 0, end.start).split(/\r?\n/)
  const headers: [string, string][] = []
  let status = 200
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/.exec(line)
    if (!field) return 'malformed'
    const [, name = '', value = ''] = field
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
    else headers.push([name, value])
  }
  if (!(status >= 200 && status <= 599)) return 'malformed'
  return { status, headers, rest: bytes.subarray(end.end) }
}

function headEnd(bytes: Buffer): { start: number; end: number } | undefined {
  const crlf = bytes.indexOf('\r\n\r\n')
  const lf = bytes.indexOf('\n\n')
  if (crlf >= 0 && (lf < 0 || crlf < lf)) return { start: crlf, end: crlf + 4 }
  return lf < 0 ? undefined : { start: lf, end: lf + 2 }
}
