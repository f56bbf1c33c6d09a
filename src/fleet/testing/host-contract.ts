import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Host } from '../host/host.ts'
import { sh } from '../shell/script.ts'

/** What every way to run scripts on a machine promises. The host must be this machine: what it does is looked at here. */
export function hostContract(open: () => Promise<{ host: Host; close(): Promise<void> }>): void {
  const timeoutMs = 20_000
  const folder = mkdtempSync(join(tmpdir(), 'larder-host-'))
  let opened: { host: Host; close(): Promise<void> }
  const run = (script: ReturnType<typeof sh>, options = {}) => opened.host.run(script, { timeoutMs, ...options })
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(async () => {
    await opened.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('answers what was printed, byte for byte, and the exit code', async () => {
    const answer = await run(sh`printf ${'\\000\\377\\n'}; printf %s ${"it's $HOME\n\n"}; echo oops >&2; exit 7`)
    expect(answer).toEqual({ code: 7, stdout: Buffer.from("\0\u{ff}\nit's $HOME\n\n", 'latin1'), stderr: 'oops\n' })
  })

  it.each([0, 1, 7, 124, 254])('exit code %i is the script’s', async (code) => {
    expect((await run(sh`exit ${code}`)).code).toBe(code)
  })

  it('a script that ends with 255 is not a lost connection', async () => {
    expect((await run(sh`exit 255`)).code).toBe(254)
  })

  it('gives the script what it shall read, and nothing else', async () => {
    const stdin = randomBytes(300_000)
    expect((await run(sh`cat`, { stdin })).stdout.equals(stdin)).toBe(true)
    expect((await run(sh`cat; echo end`)).stdout.toString()).toBe('end\n')
    expect((await run(sh`head -c 3; echo; wc -c`, { stdin: Buffer.from('secret\n') })).stdout.toString()).toBe(
      'sec\n4\n',
    )
  })

  it('neither script nor input is in the list of processes, or stays in a file', async () => {
    const secret = 'r4re-words'
    const script = sh`: ${secret}
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c ${secret}
readlink /proc/self/fd/0`
    const answer = await run(script, { stdin: Buffer.from(secret) })
    // grep may find itself.
    expect(answer.stdout.toString()).toMatch(/^[01]\n\S+ \(deleted\)\n$/)
  })

  it('runs scripts of a megabyte', async () => {
    const text = 'é$\'"\\ '.repeat(150_000)
    expect((await run(sh`printf %s ${text} | wc -c`)).stdout.toString().trim()).toBe(String(Buffer.byteLength(text)))
  })

  it('tells what is printed as it comes', async () => {
    const heard = join(folder, 'heard')
    const parts: string[] = []
    const answer = await run(sh`echo one; until [ -e ${heard} ]; do sleep 0.05; done; echo two`, {
      onOutput: (chunk: Buffer) => {
        parts.push(chunk.toString())
        writeFileSync(heard, '')
      },
    })
    expect(parts).toEqual(['one\n', 'two\n'])
    expect(answer.stdout.toString()).toBe('one\ntwo\n')
  })

  it('ends what takes too long, with all that it has started', async () => {
    const mark = join(folder, 'late')
    const hung = run(sh`(sleep 4; touch ${mark}) & sleep 60`, { timeoutMs: 500 })
    await expect(hung).rejects.toMatchObject({
      code: 'FLEET_HOST_TIMEOUT',
      message: expect.stringContaining(opened.host.name),
    })
    await new Promise((resolve) => setTimeout(resolve, 4200))
    expect(existsSync(mark)).toBe(false)
  })

  it('ends there what is not waited for any more', async () => {
    const [begun, mark] = [join(folder, 'begun'), join(folder, 'after')]
    const stopping = new AbortController()
    const stopped = run(sh`echo $$ >${begun}; (sleep 3; touch ${mark}) & sleep 60`, { signal: stopping.signal })
    const refused = expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' })
    while (!existsSync(begun) || readFileSync(begun, 'utf8') === '')
      await new Promise((resolve) => setTimeout(resolve, 20))
    stopping.abort()
    await refused
    await new Promise((resolve) => setTimeout(resolve, 3300))
    expect(existsSync(mark)).toBe(false)
  })

  it('is not held up by what a script leaves running', async () => {
    const answer = await run(sh`sleep 3 >/dev/null 2>&1 & echo done`)
    expect(answer.stdout.toString()).toBe('done\n')
  })

  it('does not listen to a flood', async () => {
    await expect(run(sh`yes`, { maxOutputBytes: 1_000_000 })).rejects.toMatchObject({ code: 'FLEET_HOST_FLOODED' })
  })

  it('keeps the end of what is said on standard error', async () => {
    const { stderr } = await run(sh`yes no | head -c 1000000 >&2; echo last >&2`)
    expect(stderr.length).toBeLessThanOrEqual(64 * 1024)
    expect(stderr.endsWith('last\n')).toBe(true)
  })

  it('nothing of a script that has an error is run', async () => {
    const mark = join(folder, 'begun-too-early')
    const answer = await run({ shell: `touch ${mark}\nif` })
    expect(answer.code).not.toBe(0)
    expect(existsSync(mark)).toBe(false)
  })
}
