import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeArchive } from './archive.ts'
import { writeLayout } from './write-layout.ts'

/*
 * What buildctl takes and says, as far as its reference tells: a program of its own, that tests run in its place. It
 * refuses options that buildctl does not have, and builds nothing: its image holds the names of the context's Dockerfile
 * and of what it was told. Source: BuildKit, docs/reference/buildctl.md and README ("OCI tarball", "Local directory").
 */

const several = { type: 'string', multiple: true } as const
const options = {
  addr: { type: 'string' },
  progress: { type: 'string' },
  frontend: { type: 'string' },
  local: several,
  opt: several,
  output: several,
  allow: several,
} as const

function refuse(message: string): never {
  console.error(`error: ${message}`)
  process.exit(1)
}

function given() {
  try {
    return parseArgs({ options, allowPositionals: true, strict: true })
  } catch (error) {
    return refuse(`Incorrect Usage: ${String(error)}`)
  }
}

function pairsOf(texts: readonly string[]): Map<string, string> {
  return new Map(texts.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]))
}

function need(values: ReadonlyMap<string, string>, key: string): string {
  return values.get(key) ?? refuse(`${key} is needed`)
}

const known = /^(?:filename|target|platform|force-network-mode|build-arg:[A-Za-z_]\w*)$/

async function build({ local = [], opt = [], output = [], allow = [], progress, frontend }: Given): Promise<void> {
  if (progress !== 'plain' || frontend !== 'dockerfile.v0') refuse('this is not what is asked for here')
  const [locals, opts] = [pairsOf(local), pairsOf(opt)]
  const unknown = [...opts.keys()].find((key) => !known.test(key))
  if (unknown !== undefined) refuse(`the frontend has no option ${unknown}`)
  const network = need(opts, 'force-network-mode')
  if (!['none', 'host', 'sandbox'].includes(network)) refuse(`invalid network mode ${network}`)
  if (network === 'host' && !allow.includes('network.host')) refuse('granting entitlement network.host is not allowed')
  if (!statSync(need(locals, 'context')).isDirectory()) refuse('the context is no folder')
  const exported = pairsOf((output[0] ?? '').split(','))
  if (need(exported, 'type') !== 'oci' || need(exported, 'tar') !== 'false')
    refuse('an OCI image layout is asked for here')
  if (need(exported, 'rewrite-timestamp') !== 'true') refuse('files would have the time of the build')
  const name = need(opts, 'filename')
  const lines = readFileSync(join(need(locals, 'dockerfile'), name), 'utf8').split('\n')
  console.error(`#1 [internal] load build definition from ${name}\n#1 DONE 0.0s`)
  const failing = lines.findIndex((line) => line === 'RUN exit 7')
  if (failing !== -1) fail(name, failing + 1)
  const told = JSON.stringify([...opts].sort())
  const layers = [{ bytes: await makeArchive([{ name: 'told', content: told }]) }]
  const architecture = opts.get('platform')?.split('/')[1]
  await writeLayout(need(exported, 'dest'), { layers, ...(architecture === undefined ? {} : { architecture }) })
  console.error('#2 [1/1] RUN echo built\n#2 0.123 built\n#2 DONE 0.1s')
}

/** As the plain progress of a failure ends. */
function fail(name: string, line: number): never {
  console.error(`#2 [2/2] RUN exit 7
#2 ERROR: process "/bin/sh -c exit 7" did not complete successfully: exit code: 7
------
 > [2/2] RUN exit 7:
------
${name}:${line}
--------------------
   ${line} | >>> RUN exit 7
--------------------`)
  refuse('failed to solve: process "/bin/sh -c exit 7" did not complete successfully: exit code: 7')
}

type Given = ReturnType<typeof given>['values']

const { values, positionals } = given()
if (positionals.join(' ') === 'debug info') console.log('BuildKit: github.com/moby/buildkit v0.13.2 0000000')
else if (positionals.join(' ') === 'build') await build(values)
else refuse(`No help topic for '${positionals.join(' ')}'`)
