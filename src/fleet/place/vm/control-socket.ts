import { createConnection, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { LarderError, parseJson } from '../../../core/index.ts'

const usualAnswerMs = 20_000

/** One command to the QEMU that listens there, and what it returns. */
export interface QemuCommand {
  execute: string
  arguments?: Readonly<Record<string, unknown>>
}

/**
 * Asks a QEMU by QMP, on a connection of its own. Undefined: nobody listens there. Source: QEMU, QMP protocol specification.
 * FLEET_MACHINE_FAILED: it refuses, or does not answer within `answerMs`, by default 20 s.
 */
export async function askQemu(path: string, command: QemuCommand, answerMs = usualAnswerMs): Promise<unknown> {
  const socket = await connect(path, command)
  if (socket === undefined) return undefined
  const deadline = setTimeout(() => socket.destroy(), answerMs)
  try {
    return await converse(socket, command)
  } finally {
    clearTimeout(deadline)
    socket.destroy()
  }
}

/** EAGAIN: others wait in front of one that takes no more. */
async function connect(path: string, command: QemuCommand): Promise<Socket | undefined> {
  const socket = createConnection(path)
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      // What breaks off later ends the lines that are read.
      socket.on('error', () => {})
      resolve(socket)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else reject(refused(command, error.message))
    })
  })
}

/** It greets, is told that nothing else is wanted, and is asked then; events may stand between. */
async function converse(socket: Socket, command: QemuCommand): Promise<unknown> {
  const waiting = [{ execute: 'qmp_capabilities' }, command]
  const lines = createInterface({ input: socket })
  // By itself it ends with what the other side ends alone.
  socket.once('close', () => {
    lines.close()
  })
  for await (const line of lines) {
    const answer = (parseJson(line) ?? {}) as { QMP?: unknown; return?: unknown; error?: { desc?: string } }
    if (answer.error !== undefined) throw refused(command, answer.error.desc ?? 'no reason')
    if (answer.QMP === undefined && !('return' in answer)) continue
    if (waiting.length === 0) return answer.return
    socket.write(`${JSON.stringify(waiting.shift())}\n`)
  }
  throw refused(command, 'it does not answer')
}

function refused({ execute }: QemuCommand, why: string): LarderError {
  return new LarderError('FLEET_MACHINE_FAILED', {
    message: `QEMU does not do ${execute}: ${why}`,
    hint: 'Look whether this host has enough memory and time for its machines.',
  })
}
