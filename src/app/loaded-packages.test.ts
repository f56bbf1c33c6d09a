import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

/** Packages of node_modules that a process has loaded after importing these modules of this folder. */
async function packagesOf(modules: readonly string[]): Promise<string[]> {
  const script = `
    import { registerHooks } from 'node:module'
    const found = new Set()
    registerHooks({
      load(url, context, next) {
        const name = /.*[/]node_modules[/]((?:@[^/]+[/])?[^/]+)/.exec(url)?.[1]
        if (name !== undefined) found.add(name)
        return next(url, context)
      },
    })
    for (const module of ${JSON.stringify(modules)}) await import(module)
    process.stdout.write(JSON.stringify([...found].sort()))`
  const args = ['--input-type=module', '--eval', script]
  const { stdout } = await run(process.execPath, args, { cwd: import.meta.dirname })
  return JSON.parse(stdout) as string[]
}

const here = (path: string): string => join(import.meta.dirname, path)

it('commands load what reads their arguments, and nothing else', async () => {
  expect(await packagesOf([here('cli/program.ts')])).toEqual(['commander'])
}, 30_000)

// Each of these takes between 10 and 120 ms of a start, and most sites or most days never need it.
it.each(['execa', 'prom-client', '@opentelemetry/api', 'ajv', 'badge-maker', 'jose', 'yaml', 'cli-table3'])(
  'the controller starts without %s',
  async (name) => {
    const loaded = await (controllerPackages ??= packagesOf([here('controller-process.ts')]))
    expect(loaded).toContain('fastify')
    expect(loaded).not.toContain(name)
  },
  30_000,
)
let controllerPackages: Promise<string[]> | undefined

it('the controller starts without the client for HTTP that comes with Node', async () => {
  const script = `
    await import(${JSON.stringify(here('controller-process.ts'))})
    process.stdout.write(process.moduleLoadList.filter((name) => name.includes('undici')).join())`
  const args = ['--input-type=module', '--eval', script]
  const { stdout } = await run(process.execPath, args, { cwd: import.meta.dirname })
  expect(stdout).toBe('')
}, 30_000)
