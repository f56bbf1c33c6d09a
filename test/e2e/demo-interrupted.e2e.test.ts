import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { execa } from 'execa'
import { expect, it } from 'vitest'
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
  const script = new URL('../../demo/lab.ts', import.meta.url).pathname
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
  expect(said).toContain(`${signal}: what was made is removed`)
  expect(demo.exitCode, said).toBe(exitCode)
  expect(said).not.toContain('Done:')
  expect(await readdir(folder)).toEqual([])
  expect(await processesOf(folder)).toEqual([])
  expect(await linksAndSpaces()).not.toContain(`ldemo${demo.pid! % 100_000}`)
})
