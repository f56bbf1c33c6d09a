import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { lstat, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answerQuestion, type AdmittedPush, type HookReply } from './push-question.ts'
import type { RefUpdate } from './push-rules.ts'
import { isNullId } from './ref-name.ts'
import { resolveRef } from './repository.ts'

export interface PushRequest {
  updates: RefUpdate[]
  /** The quarantine, through which objects that are not accepted yet can be read. Empty once refs have moved. */
  environment: Record<string, string>
}

export interface PushGateOptions {
  repository: string
  /** Default `main`. Never deleted, never rewritten. */
  mainBranch?: string
  /** Before anything is accepted. What is told reaches the person who pushes as `remote: …`. */
  check(push: PushRequest, tell: (line: string) => void): Promise<{ accepted: boolean }>
  /** The refs have moved. Called once for each push that was accepted, even when the pusher has gone away. */
  pushed(push: PushRequest, tell: (line: string) => void): Promise<void>
  /** A failure that nobody foresaw. */
  onFault: (error: unknown) => void
}

export interface PushGate {
  /** Lets one push through: `environment` is for the git process that receives it. */
  admit(): PushTicket
  close(): Promise<void>
}

export interface PushTicket {
  environment: Record<string, string>
  /** The git process has ended: reports refs that moved though no post-receive hook got to say so. */
  finish(): Promise<void>
}

const socketName = 'gate'

/**
 * Where the hooks of the site repository ask whether a push may come in: a socket in a folder that only this user
 * can enter. A hook without the key of a push that is under way is refused.
 */
export async function createPushGate(options: PushGateOptions): Promise<PushGate> {
  const folder = await makeGateFolder(options.repository)
  const address = join(folder, socketName)
  const admitted = new Map<string, AdmittedPush>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // The hook was killed: what it would have heard is of no use to anyone.
    socket.on('error', () => {})
    hearQuestion(socket, (text) => {
      answerQuestion(text, replyTo(socket), admitted, options).catch(options.onFault)
    })
  })
  await listen(server, address)
  return {
    admit: () => {
      const key = randomBytes(16).toString('hex')
      const push: AdmittedPush = { accepted: [] }
      admitted.set(key, push)
      return {
        environment: {
          LARDER_PUSH_GATE: address,
          LARDER_PUSH_KEY: key,
          LARDER_PUSH_HOOK: fileURLToPath(new URL('push-hook.cjs', import.meta.url)),
          LARDER_NODE: process.execPath,
        },
        finish: async () => {
          admitted.delete(key)
          await reportUnheard(push, options)
        },
      }
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Not beside the repository: unix(7), the path of a socket is short. It has the same name each time, so that what a killed
 * controller has left is found; what is of somebody else there is left alone.
 */
async function makeGateFolder(repository: string): Promise<string> {
  const name = createHash('sha256').update(resolve(repository)).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), `larder-push-${name}`)
  if ((await isOwn(folder)) && !(await isHeard(join(folder, socketName)))) await rm(folder, { recursive: true })
  try {
    await mkdir(folder, { mode: 0o700 })
    return folder
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return mkdtemp(`${folder}-`)
  }
}

async function isOwn(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  return found !== undefined && found.isDirectory() && found.uid === process.getuid?.()
}

async function isHeard(address: string): Promise<boolean> {
  const socket = connect(address)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, resolve)
  })
}

const maxQuestionBytes = 4 * 1024 * 1024

function hearQuestion(socket: Socket, hear: (text: string) => void): void {
  let text = ''
  let heard = false
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    if (heard) return
    text += chunk
    const end = text.indexOf('\n')
    heard = end >= 0
    if (heard) hear(text.slice(0, end))
    else if (text.length > maxQuestionBytes) socket.destroy()
  })
}

function replyTo(socket: Socket): HookReply {
  const send = (message: { line: string } | { exit: 0 | 1 }): void => {
    if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
  }
  return {
    tell: (text) => {
      for (const line of text.split('\n')) send({ line: printable(line) })
    },
    end: (exit) => {
      send({ exit })
      socket.end()
    },
  }
}

/** A push whose client went away after the refs had moved and before the hook was heard still counts. */
async function reportUnheard(push: AdmittedPush, options: PushGateOptions): Promise<void> {
  const moved: RefUpdate[] = []
  for (const update of push.accepted) {
    if (isNullId(update.after)) continue
    if ((await resolveRef(options.repository, update.ref)) === update.after) moved.push(update)
  }
  push.accepted = []
  if (moved.length > 0) await options.pushed({ updates: moved, environment: {} }, () => {})
}

/** A terminal gets no control characters from names that someone else chose. */
function printable(line: string): string {
  return line.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, '?')
}
