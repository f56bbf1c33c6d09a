import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { isLarderError, type Log } from '../../../core/index.ts'
import type { Controller, PublishedFile } from '../../controller.ts'
import { pageSecurityPolicy } from '../pages/page.ts'
import { parseRange } from './byte-range.ts'
import { judgeConditions, rangeCounts, type Validators } from './conditions.ts'
import { contentTypeOf } from './content-type.ts'
import { renderFolder } from './folder-page.ts'
import { parsePublishedPath, type PublishedPath } from './published-path.ts'
import { BodySender, type BodyOptions } from './send-body.ts'
import { sendText } from './send-text.ts'

export interface PublishedFilesOptions extends BodyOptions {
  controller: Pick<Controller, 'published' | 'publishedFolder' | 'mirrors' | 'previewed' | 'previewFolder'>
  log: Log
  onServed: (served: { format: string; status: number; bodyBytes: number }) => void
}

/**
 * Serves `/apt/…`, `/rpm/…` and `/preview/<run>/apt/…` on the bare HTTP server, before the web framework: answers false for other addresses.
 * GET and HEAD, conditional and with one Range; the ETag is the digest. Source: RFC 9110.
 */
export function createPublishedFiles(
  options: PublishedFilesOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const server = new PublishedFiles(options)
  return (request, response) => {
    const url = originForm(request.url ?? '/')
    if (!/^(?:\/preview\/\d+)?\/(?:apt|rpm)(?:[/?#]|$)/.test(url)) return false
    server.answer(request, response, parsePublishedPath(url)).catch((error: unknown) => {
      fail(response, error, options.log, url)
    })
    return true
  }
}

class PublishedFiles {
  readonly #options: PublishedFilesOptions
  readonly #bodies: BodySender

  constructor(options: PublishedFilesOptions) {
    this.#options = options
    this.#bodies = new BodySender(options)
  }

  async answer(request: IncomingMessage, response: ServerResponse, asked: PublishedPath | undefined): Promise<void> {
    const bodyBytes = await this.#answer(request, response, asked)
    this.#options.onServed({ format: asked?.format ?? 'none', status: response.statusCode, bodyBytes })
  }

  async #answer(request: IncomingMessage, response: ServerResponse, asked: PublishedPath | undefined): Promise<number> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendText(request, response, { status: 405, text: 'Only GET and HEAD.\n', headers: { allow: 'GET, HEAD' } })
      return 0
    }
    if (asked === undefined) {
      sendText(request, response, { status: 404, text: 'No such file.\n' })
      return 0
    }
    const wantsFile = !asked.folder && asked.path !== ''
    const file = wantsFile ? await unlessAbsent(this.#find(asked)) : undefined
    if (file) return this.#sendFile(request, response, asked, file)
    await this.#sendFolder(request, response, asked)
    return 0
  }

  #find({ preview, format, mirror, path }: PublishedPath): Promise<PublishedFile | undefined> {
    const { controller } = this.#options
    return preview === undefined
      ? controller.published(format, mirror, path)
      : controller.previewed(preview, format, mirror, path)
  }

  async #sendFile(
    request: IncomingMessage,
    response: ServerResponse,
    asked: PublishedPath,
    file: PublishedFile,
  ): Promise<number> {
    const { sizeBytes, digest, stable } = file.entry
    const validators: Validators = { etag: `"${digest}"`, modifiedAt: file.modifiedAt, stable }
    const headers = headersOf(asked.path, validators)
    const verdict = judgeConditions(request.headers, validators)
    if (verdict !== 200) {
      response.writeHead(verdict, headers).end()
      return 0
    }
    const ranged = request.method === 'GET' && rangeCounts(request.headers, validators)
    const range = ranged ? parseRange(request.headers.range, sizeBytes) : 'whole'
    if (range === 'unsatisfiable') {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${sizeBytes}`, 'content-length': 0 }).end()
      return 0
    }
    const { start, end } = range === 'whole' ? { start: 0, end: sizeBytes } : range
    headers['content-length'] = end - start
    if (range !== 'whole') headers['content-range'] = `bytes ${start}-${end - 1}/${sizeBytes}`
    const status = range === 'whole' ? 200 : 206
    if (request.method === 'HEAD' || start === end) {
      response.writeHead(status, headers).end()
      return 0
    }
    const sendable = { ...file, digest, sizeBytes, label: file.entry.path }
    return this.#bodies.send(response, sendable, { start, end }, () => response.writeHead(status, headers))
  }

  /** A folder without its slash is sent to the address with it, or relative links would lead astray. */
  async #sendFolder(request: IncomingMessage, response: ServerResponse, asked: PublishedPath): Promise<void> {
    const names = await this.#namesIn(asked)
    const root = asked.preview === undefined ? [] : ['preview', String(asked.preview)]
    const parts = [...root, asked.format, asked.mirror, ...asked.path.split('/')].filter((part) => part !== '')
    if (names === undefined) {
      sendText(request, response, { status: 404, text: 'No such file.\n' })
    } else if (!asked.folder) {
      const location = `/${parts.map(encodeURIComponent).join('/')}/`
      sendText(request, response, { status: 301, text: 'A folder.\n', headers: { location } })
    } else {
      const text = renderFolder(`/${parts.join('/')}/`, names, { root: asked.mirror === '' })
      const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pageSecurityPolicy }
      sendText(request, response, { status: 200, text, headers })
    }
  }

  async #namesIn({ preview, format, mirror, path }: PublishedPath): Promise<string[] | undefined> {
    const { controller } = this.#options
    if (preview !== undefined) {
      return mirror === '' ? undefined : unlessAbsent(controller.previewFolder(preview, format, mirror, path))
    }
    if (mirror === '') {
      const mirrors = await controller.mirrors()
      return mirrors.filter((one) => one.format === format).map(({ name }) => `${name}/`)
    }
    const names = await unlessAbsent(controller.publishedFolder(format, mirror, path))
    return names?.length === 0 && path !== '' ? undefined : names
  }
}

function headersOf(path: string, { etag, modifiedAt, stable }: Validators): OutgoingHttpHeaders {
  return {
    'content-type': contentTypeOf(path),
    etag,
    'last-modified': modifiedAt.toUTCString(),
    'cache-control': stable ? 'public, max-age=31536000, immutable' : 'no-cache',
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
  }
}

async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isLarderError(error, 'MIRROR_UNKNOWN', 'PUBLICATION_NONE', 'NOT_FOUND')) return undefined
    throw error
  }
}

function fail(response: ServerResponse, error: unknown, log: Log, url: string): void {
  log.error('A published file could not be served.', { url, error })
  if (response.headersSent) response.destroy()
  else
    response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end('Larder failed; its log says how.\n')
}

/** A client that takes us for a proxy sends the whole address: RFC 9112 §3.2.2. */
function originForm(url: string): string {
  return url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?#]*/i, '')
}
