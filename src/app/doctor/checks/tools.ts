import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isExecutable, isOnPath } from '../../program-path.ts'
import { mirrorsOf } from '../../../mirror/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'

const run = promisify(execFile)

/** The few programs that Larder calls are installed. */
export const toolsCheck: DoctorCheck = {
  name: 'tools',
  async look({ environment, context }) {
    return [
      ...(await lookForGit(environment)),
      ...(context.pullRequests === undefined ? [] : await lookAtVersion(environment)),
      ...(await lookForXz(environment)),
      ...((await hasRpmMirrors(context)) ? await lookForBzip2(environment) : []),
    ]
  },
}

async function lookForGit(environment: NodeJS.ProcessEnv): Promise<Ailment[]> {
  const hint = 'apt-get install git'
  if (!(await isOnPath('git', environment)))
    return [missing('git', 'error', 'the site repository cannot be read', hint)]
  const { stdout } = await run('git', ['--exec-path'], { env: environment, timeout: 10_000 })
  if (await isExecutable(join(stdout.trim(), 'git-http-backend'))) return []
  return [
    missing(
      'git http-backend',
      'error',
      'nobody can push to the site repository',
      `${hint}: some minimal packages leave it out`,
    ),
  ]
}

/** Where there are pull requests: what merging one would make is asked of git merge-tree. */
async function lookAtVersion(environment: NodeJS.ProcessEnv): Promise<Ailment[]> {
  if (!(await isOnPath('git', environment))) return []
  const { stdout } = await run('git', ['version'], { env: environment, timeout: 10_000 })
  const [, major = 0, minor = 0] = (/^git version (\d+)\.(\d+)/.exec(stdout) ?? []).map(Number)
  if (major > 2 || (major === 2 && minor >= 38)) return []
  const message = `${stdout.trim().slice(0, 100)} is too old: pull requests cannot be planned.`
  return [{ severity: 'error', subject: 'git', message, hint: 'Install git 2.38 or later.' }]
}

async function lookForXz(environment: NodeJS.ProcessEnv): Promise<Ailment[]> {
  if (await isOnPath('xz', environment)) return []
  const loss = 'indices are unpacked by WebAssembly, several times slower, and no Packages.xz is published'
  return [missing('xz', 'warning', loss, 'apt-get install xz-utils')]
}

async function hasRpmMirrors({ siteHead }: DoctorContext['context']): Promise<boolean> {
  const head = await siteHead.current()
  const mirrors = mirrorsOf(head?.site.sections)
  return Object.values(mirrors).some(({ format }) => format === 'rpm')
}

async function lookForBzip2(environment: NodeJS.ProcessEnv): Promise<Ailment[]> {
  if (await isOnPath('bzip2', environment)) return []
  return [
    missing('bzip2', 'warning', 'an upstream whose indices are packed by it cannot be read', 'apt-get install bzip2'),
  ]
}

function missing(tool: string, severity: Ailment['severity'], loss: string, hint: string): Ailment {
  return { severity, subject: tool, message: `${tool} is not installed: ${loss}.`, hint }
}
