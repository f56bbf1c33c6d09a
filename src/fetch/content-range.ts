/** Where a 206 answer says that its bytes belong. Undefined when it does not say so properly (RFC 9110 §14.4). */
export function parseContentRange(
  header: string | undefined,
): { start: number; end: number; totalBytes: number | undefined } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(header?.trim() ?? '')
  if (!match) return undefined
  const start = Number(match[1])
  const end = Number(match[2]) + 1
  const totalBytes = match[3] === '*' ? undefined : Number(match[3])
  if (end <= start || (totalBytes !== undefined && end > totalBytes)) return undefined
  return { start, end, totalBytes }
}

/** Content-Length, or undefined when absent or malformed. */
export function parseContentLength(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header.trim()) ? Number(header.trim()) : undefined
}
