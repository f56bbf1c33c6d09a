import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Answer, Transport } from './transport.ts'

/** Local files, answered as a web server would: 200, 206, 304, 403, 404, 416. */
export const fileTransport: Transport = {
  get: async (url, { headers }) => {
    const status = (code: number): Answer => ({
      status: code,
      url,
      header: () => undefined,
      body: empty(),
      discard() {},
    })
    const file = await open(fileURLToPath(url)).catch(refusal)
    if (typeof file === 'number') return status(file)
    const stat = await file.stat()
    const etag = `"${stat.size}-${stat.mtimeMs}"`
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    const shortcut = shortcutStatus({
      isFile: stat.isFile(),
      unchanged: headers['if-none-match'] === etag,
      start,
      size: stat.size,
    })
    const resumed = start > 0 && (headers['if-range'] === undefined || headers['if-range'] === etag)
    if (shortcut !== undefined) {
      await file.close()
      return status(shortcut)
    }
    const first = resumed ? start : 0
    const body = file.createReadStream({ start: first, highWaterMark: 1024 * 1024 })
    const answers: Record<string, string> = { etag, 'content-length': String(stat.size - first) }
    if (resumed) answers['content-range'] = `bytes ${first}-${stat.size - 1}/${stat.size}`
    return { status: resumed ? 206 : 200, url, header: (name) => answers[name], body, discard: () => body.destroy() }
  },
  close: () => Promise.resolve(),
}

function shortcutStatus(asked: {
  isFile: boolean
  unchanged: boolean
  start: number
  size: number
}): number | undefined {
  if (!asked.isFile) return 404
  if (asked.unchanged) return 304
  return asked.start > 0 && asked.start >= asked.size ? 416 : undefined
}

function refusal(error: unknown): number {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return 404
  if (code === 'EACCES' || code === 'EPERM') return 403
  throw error
}

async function* empty(): AsyncGenerator<Buffer> {}
