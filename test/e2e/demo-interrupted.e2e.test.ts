import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { labNames } from '../../demo/former-demos.ts'
import { bridgeName } from '../../src/fleet/network/bridge.ts'
import { openWorkspace } from './support/workspace.ts'

/** Whatever names this folder in its arguments. */
async function processesOf(folder: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
  // One may end while it is looked at.
  const all = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))
  return all.map((line) => line.replaceAll('\0', ' ').trim()).filter((line) => line.includes(folder))
}

async function linksAndSpaces(): Promise<string> {
  const links = await execa('ip', ['-brief', 'link'])
  const spaces = await execa('ip', ['netns', 'list'])
  return links.stdout + spaces.stdout
}

it.each([
  ['SIGINT', 'a mirror, and a network', 130],
  ['SIGINT', 'a client comes', 130],
  ['SIGTERM', 'it asked by DHCP', 143],
] as const)('demo:lab at %s, once it says "%s", leaves nothing', async (signal, words, exitCode) => {
  await using workspace = await openWorkspace()
  const folder = workspace.path('.')
  const { demo, said } = await interrupt('lab', { folder, words, signal })
  expect(said).toContain(`${signal}: what was made is removed`)
  expect(demo.exitCode, said).toBe(exitCode)
  expect(said).not.toContain('Done:')
  expect(await readdir(folder)).toEqual([])
  expect(await processesOf(folder)).toEqual([])
  expect(await linksAndSpaces()).not.toContain(labNames(demo.pid!).bridge)
})

it('what demos left that were killed goes when one begins: networks, and machines with their engine', async () => {
  await using workspace = await openWorkspace()
  const folder = workspace.path('.')
  const { demo: lab } = await interrupt('lab', { folder, words: 'it asked by DHCP', signal: 'SIGKILL' })
  const { said } = await interrupt('machines', { folder, words: '── nothing to change', signal: 'SIGKILL' })
  expect(said).toContain(`A demo was killed: what it left in ${join(folder, `larder-demo-${lab.pid}-`)}`)
  expect(await linksAndSpaces()).not.toContain(labNames(lab.pid!).bridge)
  const bridge = bridgeName('demo', 'default')
  expect(await linksAndSpaces()).toContain(bridge)

  await interrupt('lab', { folder, words: 'a mirror, and a network', signal: 'SIGTERM' })
  // The gates of pushes stay for the next controller of the same repository.
  expect((await readdir(folder)).filter((one) => !one.startsWith('larder-push-'))).toEqual([])
  expect(await processesOf(folder)).toEqual([])
  expect(await linksAndSpaces()).not.toContain(bridge)
})

/** Runs a demo whose folder is in this one, until it has said the words. */
async function interrupt(
  name: string,
  { folder, words, signal }: { folder: string; words: string; signal: NodeJS.Signals },
): Promise<{ demo: ChildProcess; said: string }> {
  const script = new URL(`../../demo/${name}.ts`, import.meta.url).pathname
  const demo = spawn(process.execPath, [script], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(demo, 'close')
  let said = ''
  const hear = (text: string): void => {
    const isNews = !said.includes(words)
    said += text
    if (isNews && said.includes(words)) demo.kill(signal)
  }
  demo.stdout.setEncoding('utf8').on('data', hear)
  demo.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  await ended
  return { demo, said }
}
