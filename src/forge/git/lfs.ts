import { createHash } from 'node:crypto'
import { z } from 'zod'
import { LarderError, type SiteFiles } from '../../core/index.ts'
import { splitLogin, type GitLogin } from './remote-access.ts'

/** One exchange whose answer may be any bytes; bounded by whoever makes it. */
export type BytesSend = (
  request: { method: string; url: string; headers: Record<string, string>; body?: string },
  limits: { mostBytes: number },
) => Promise<{ status: number; bytes: Buffer }>

export interface LfsOptions {
  /** Address of the repository that the site is in. */
  url: string
  login?: (() => Promise<GitLogin | undefined>) | undefined
  send: BytesSend
  /** Largest file that is fetched. Default 16 MiB. */
  fileBytes?: number
}

/** What Git has in place of a file. */
export interface LfsPointer {
  /** SHA-256 in hex. */
  oid: string
  sizeBytes: number
}

/** Source: Git LFS specification, "The Pointer". Undefined for what is none. */
export function parseLfsPointer(bytes: Buffer): LfsPointer | undefined {
  if (bytes.length > longestPointerBytes || !bytes.subarray(0, version.length).equals(version)) return undefined
  const text = bytes.toString('utf8')
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1]
  const size = /^size (\d{1,15})$/m.exec(text)?.[1]
  return oid === undefined || size === undefined ? undefined : { oid, sizeBytes: Number(size) }
}

const version = Buffer.from('version https://git-lfs.github.com/spec/v1\n')
const longestPointerBytes = 1024

/** Files of a commit, in which pointers of Git LFS are read as what they stand for. GIT_LFS_FAILED, GIT_FILE_REFUSED. */
export function withLfs<Files extends SiteFiles>(files: Files, options: LfsOptions): Files {
  return {
    ...files,
    async read(path: string) {
      const bytes = await files.read(path)
      const pointer = bytes && parseLfsPointer(bytes)
      return pointer === undefined ? bytes : fetchLfs(options, path, pointer)
    },
  }
}

const batchSchema = z.object({
  objects: z
    .array(
      z.object({
        oid: z.string(),
        error: z.object({ message: z.string() }).optional(),
        actions: z
          .object({
            download: z.object({ href: z.url(), header: z.record(z.string(), z.string()).optional() }).optional(),
          })
          .optional(),
      }),
    )
    .min(1),
})
const mediaType = 'application/vnd.git-lfs+json'

/** Source: Git LFS specification, "Batch API", transfer `basic`. */
async function fetchLfs(options: LfsOptions, path: string, { oid, sizeBytes }: LfsPointer): Promise<Buffer> {
  const { send, fileBytes = 16 * 1024 * 1024 } = options
  if (sizeBytes > fileBytes) {
    throw new LarderError('GIT_FILE_REFUSED', {
      message: `${path} is larger than ${fileBytes} bytes.`,
      context: { path },
    })
  }
  if (!/^https?:/.test(options.url)) throw failed(path, 'its repository is not reached over HTTP')
  const { address, given } = await splitLogin(options)
  const url = new URL(`${address.replace(/\/+$/, '').replace(/(?:\.git)?$/, '.git')}/info/lfs/objects/batch`)
  const basic = given && `Basic ${Buffer.from(`${given.user}:${given.password}`).toString('base64')}`
  const headers = { accept: mediaType, 'content-type': mediaType, ...(basic && { authorization: basic }) }
  const body = JSON.stringify({ operation: 'download', transfers: ['basic'], objects: [{ oid, size: sizeBytes }] })
  const answer = await send({ method: 'POST', url: url.href, headers, body }, { mostBytes: 1024 * 1024 })
  if (answer.status !== 200) throw failed(path, `the server answers with ${answer.status}`)
  const download = downloadIn(path, answer.bytes)
  // The server of the repository says where its files are; only what is on the web is followed.
  if (!/^https?:$/.test(new URL(download.href).protocol)) throw failed(path, 'the server names no web address')
  const got = await send(
    { method: 'GET', url: download.href, headers: download.header ?? {} },
    { mostBytes: sizeBytes },
  )
  if (got.status !== 200) throw failed(path, `its address answers with ${got.status}`)
  if (got.bytes.length !== sizeBytes || createHash('sha256').update(got.bytes).digest('hex') !== oid) {
    throw failed(path, 'what came is not what its pointer promises')
  }
  return got.bytes
}

function downloadIn(path: string, bytes: Buffer): { href: string; header?: Record<string, string> | undefined } {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw failed(path, 'the server answers no JSON')
  }
  const [object] = batchSchema.safeParse(value).data?.objects ?? []
  const download = object?.actions?.download
  if (download === undefined) throw failed(path, object?.error?.message.slice(0, 300) ?? 'the server has no such file')
  return download
}

function failed(path: string, why: string): LarderError {
  return new LarderError('GIT_LFS_FAILED', {
    message: `${path} is in Git LFS, and could not be fetched: ${why}.`,
    hint: 'Was it pushed (git lfs push)? May the token in controller.yaml read it?',
    context: { path },
  })
}
