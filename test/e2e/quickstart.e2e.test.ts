import { chmod, chown, mkdir, readFile, readdir, symlink } from 'node:fs/promises'
import { delimiter } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { hasAptSources } from './support/apt-sources.ts'
import { freePort } from './support/free-port.ts'
import { larderProgram, runLarder } from './support/larder-command.ts'
import { openWorkspace } from './support/workspace.ts'

const nobody = 65534
const path = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(delimiter)

interface Case {
  name: string
  /** Runs it as somebody else. */
  prefix?: string[]
  /** In place of the usual PATH. */
  programs?: string[]
  said: RegExp[]
  unsaid?: RegExp
}

const cases: Case[] = [
  { name: 'as root', said: [/packages fetched and installed: Nmap version/, /done in/], unsaid: /left out/ },
  {
    name: 'as an ordinary user',
    prefix: ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'],
    said: [/left out: .*root/, /packages fetched and unpacked: Nmap version/, /done in/],
  },
  {
    name: 'where there is no apt',
    programs: ['git', 'sh', 'xz', 'gpg', 'gpgv'],
    said: [/left out: .*apt-get/, /published/],
  },
]

it.for(cases)(
  'real distribution: quickstart --once $name',
  async ({ prefix = [], programs, said, unsaid }, context) => {
    if (!(await hasAptSources())) context.skip('this host has no APT sources to mirror')
    await using workspace = await openWorkspace()
    await chmod(workspace.folder, 0o755)
    for (const name of ['home', 'tmp', 'bin']) {
      await mkdir(workspace.path(name))
      await chown(workspace.path(name), prefix.length > 0 ? nobody : 0, prefix.length > 0 ? nobody : 0)
    }
    for (const program of programs ?? [])
      await symlink(`/usr/bin/${program}`, workspace.path(`bin/${program}`)).catch(() => undefined)
    const marker = `larder-e2e-${process.pid}-${Date.now()}`
    const result = await runLarder(['quickstart', '--once'], {
      prefix,
      cwd: workspace.path('home'),
      env: {
        HOME: workspace.path('home'),
        TMPDIR: workspace.path('tmp'),
        PATH: programs === undefined ? path : workspace.path('bin'),
        LARDER_MARKER: marker,
      },
      timeoutMs: 240_000,
    })
    const output = `${result.stdout}\n${result.stderr}`
    expect(result, output).toMatchObject({ exitCode: 0 })
    for (const pattern of said) expect(output).toMatch(pattern)
    if (unsaid !== undefined) expect(output).not.toMatch(unsaid)
    expect(await readdir(workspace.path('tmp'))).toEqual([])
    expect(await readdir(workspace.path('home'))).toEqual([])
    expect(await processesWith(marker)).toEqual([])
  },
)

it('real distribution: a quickstart that was interrupted is made again by the next, and goes on by the one after', async (context) => {
  if (!(await hasAptSources())) context.skip('this host has no APT sources to mirror')
  await using workspace = await openWorkspace()
  const marker = `larder-e2e-${process.pid}-${Date.now()}`
  const args = [larderProgram, 'quickstart', '--port', String(await freePort())]
  const env = { HOME: workspace.folder, PATH: path, LARDER_MARKER: marker }
  const interruptAt = async (pattern: RegExp): Promise<string> => {
    const running = execa(process.execPath, args, {
      cwd: workspace.folder,
      env,
      extendEnv: false,
      reject: false,
      all: true,
      stdin: 'ignore',
      timeout: 240_000,
    })
    let said = ''
    running.all.on('data', (chunk: Buffer) => {
      said += String(chunk)
      if (pattern.test(said)) running.kill('SIGINT')
    })
    await running
    expect(said).toMatch(pattern)
    await expect.poll(() => processesWith(marker)).toEqual([])
    return said
  }
  expect(await interruptAt(/remote: plan: create mirror base/)).not.toMatch(/done in/)
  expect(await interruptAt(/Try next:/)).toMatch(/Nmap version[^]*done in/)
  const third = await interruptAt(/Try next:/)
  expect(third).toMatch(/the site of an earlier quickstart goes on/)
  expect(third).not.toMatch(/done in/)
})

/** Processes that have inherited this from the environment of the quickstart. */
async function processesWith(marker: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) =>
      (await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')).includes(marker) ? pid : '',
    ),
  )
  return found.filter((pid) => pid !== '')
}
