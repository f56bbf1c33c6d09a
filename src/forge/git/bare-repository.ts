import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runGit } from './run-git.ts'

export interface BareRepositoryOptions {
  /** Branch that is applied. Default `main`. */
  mainBranch?: string
  /** Largest push. Default 256 MiB. */
  maxPushBytes?: number
}

/**
 * Makes the site repository when it is not there, and brings its configuration and hooks up to date: safe to call
 * at every start. Killed half-way, the next call completes it. GIT_FAILED, TOOL_MISSING.
 */
export async function prepareBareRepository(path: string, options: BareRepositoryOptions = {}): Promise<void> {
  const { mainBranch = 'main', maxPushBytes = 256 * 1024 * 1024 } = options
  await runGit(['init', '--bare', '--quiet', '--template=', `--initial-branch=${mainBranch}`, '--', path])
  await writeSettings(join(path, 'config'), maxPushBytes)
  await mkdir(join(path, 'hooks'), { recursive: true })
  for (const hook of ['pre-receive', 'post-receive'] as const) await writeHook(path, hook)
}

/**
 * Puts our settings behind all others, where they count, in one go: a process of git's for each would take most of a start.
 * Source: git-config(1), Syntax.
 */
async function writeSettings(file: string, maxPushBytes: number): Promise<void> {
  const ours = configuration(maxPushBytes).map(([key, value]) => {
    const [section, name] = key.split('.')
    return `[${section}]\n\t${name} = ${value}\n`
  })
  const block = `${settingsBegin}\n${ours.join('')}${settingsEnd}\n`
  const text = await readFile(file, 'utf8')
  if (text.endsWith(block)) return
  const [before = '', ...rest] = text.split(`${settingsBegin}\n`)
  const after = rest.map((part) => part.split(`${settingsEnd}\n`)[1] ?? '').join('')
  await writeFile(`${file}.larder`, `${before}${after}${block}`)
  await rename(`${file}.larder`, file)
}

const settingsBegin = '# Written by Larder at every start; changes are lost.'
const settingsEnd = '# Until here.'

function configuration(maxPushBytes: number): [key: string, value: string][] {
  return [
    ['core.logAllRefUpdates', 'true'],
    ['core.fsync', 'committed,reference'],
    ['receive.fsckObjects', 'true'],
    ['receive.maxInputSize', String(maxPushBytes)],
    ['receive.denyDeleteCurrent', 'refuse'],
    ['receive.advertisePushOptions', 'false'],
    // A collection in the background would outlive the push that began it.
    ['gc.autoDetach', 'false'],
    ['uploadpack.allowFilter', 'true'],
    ['http.receivepack', 'false'],
  ]
}

async function writeHook(repository: string, hook: string): Promise<void> {
  const path = join(repository, 'hooks', hook)
  const script = hookScript(hook)
  if ((await readFile(path, 'utf8').catch(() => '')) === script) return
  await writeFile(`${path}.new`, script)
  await chmod(`${path}.new`, 0o755)
  await rename(`${path}.new`, path)
}

/** The same on every machine: where Larder and its Node are is told by who started the push. */
function hookScript(hook: string): string {
  return `#!/bin/sh
# Written by Larder at every start; changes are lost.
if [ -z "\${LARDER_PUSH_GATE:-}" ]; then
  echo 'This repository takes pushes only through a running Larder: push to its address /git/site.git' >&2
  exit 1
fi
exec "$LARDER_NODE" "$LARDER_PUSH_HOOK" ${hook}
`
}
