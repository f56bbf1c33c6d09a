import { randomBytes } from 'node:crypto'
import { lines, sh, type Script } from '../shell/script.ts'

/**
 * Between controller and host, each piece of output is a record: a line `NONCE begin ID`, the bytes as they are, a line break,
 * a line `NONCE end ID CODE`. Nobody who writes what is between can know the nonce. A record without its end is unknown.
 */
export interface FramedOutput {
  readonly output: Buffer
  /** Exit code. */
  readonly code: number
}

/** 128 bits that nothing on a host knows beforehand. */
export function makeNonce(): string {
  return randomBytes(16).toString('hex')
}

/** The script in a shell of its own, its standard output as a record. `id`: small letters and digits. */
export function framed(nonce: string, id: string, script: Script): Script {
  return lines(frameBegin(nonce, sh`${id}`), sh`(\n${script}\n) </dev/null`, frameEnd(nonce, sh`${id}`, sh`$?`))
}

/** `id` and `code` are words of the shell. */
export function frameBegin(nonce: string, id: Script): Script {
  return sh`printf '\\n%s begin %s\\n' ${nonce} ${id}`
}

export function frameEnd(nonce: string, id: Script, code: Script): Script {
  return sh`printf '\\n%s end %s %d\\n' ${nonce} ${id} ${code}`
}

/**
 * Records that are whole, by id. What is between records belongs to nobody. A record that begins again before its end, or
 * that is there twice, is none: nothing of ours prints that.
 */
export function readFrames(output: Buffer, nonce: string): Map<string, FramedOutput> {
  const found = new Map<string, FramedOutput>()
  const spoilt = new Set<string>()
  let open: { id: string; start: number } | undefined
  for (const mark of marksOf(output, nonce)) {
    if (mark.code === undefined) {
      if (open !== undefined) spoilt.add(open.id)
      open = { id: mark.id, start: mark.end }
    } else if (open?.id === mark.id) {
      if (found.has(mark.id)) spoilt.add(mark.id)
      found.set(mark.id, { output: output.subarray(open.start, Math.max(mark.start, open.start)), code: mark.code })
      open = undefined
    } else spoilt.add(mark.id)
  }
  for (const id of spoilt) found.delete(id)
  return found
}

interface Mark {
  id: string
  /** Undefined: it begins. */
  code: number | undefined
  /** Of the line break before it. */
  start: number
  /** After its own line break. */
  end: number
}

const longestMark = 120

function* marksOf(output: Buffer, nonce: string): Generator<Mark> {
  const sought = Buffer.from(`\n${nonce} `)
  for (let start = output.indexOf(sought); start >= 0; start = output.indexOf(sought, start + 1)) {
    const lineEnd = output.indexOf(10, start + 1)
    if (lineEnd === -1) return
    const words = output
      .subarray(start + sought.length, Math.min(lineEnd, start + sought.length + longestMark))
      .toString('latin1')
    const [, id, endId, code] = /^(?:begin ([a-z0-9]{1,20})|end ([a-z0-9]{1,20}) ([0-9]{1,3}))$/.exec(words) ?? []
    if (id !== undefined) yield { id, code: undefined, start, end: lineEnd + 1 }
    else if (endId !== undefined) yield { id: endId, code: Number(code), start, end: lineEnd + 1 }
  }
}
