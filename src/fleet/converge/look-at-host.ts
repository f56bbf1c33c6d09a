import { LarderError } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import { askTogether, readTogether } from '../resource/ask-together.ts'
import { cutOff, lookDeadline } from '../resource/fact-text.ts'
import type { Asked, Looked, Resource } from '../resource/resource-type.ts'
import { lines, nothing, type Script } from '../shell/script.ts'
import { framed, makeNonce, readFrames } from './frame.ts'
import { hostFactsScript, readHostFacts, type HostSaid } from './host-facts.ts'

/** What a host has said of itself and of the resources that it was asked for. */
export interface Look extends HostSaid {
  readonly looked: ReadonlyMap<Resource, Looked<unknown>>
}

/** One script, one round trip, whatever is asked for. FLEET_HOST_UNREACHABLE and its like. */
export async function lookAtHost(
  host: Host,
  resources: readonly Resource[],
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<Look> {
  const nonce = makeNonce()
  const { stdout, stderr } = await host.run(lookScript(nonce, resources), options)
  return readLook(host.name, { output: stdout, nonce, resources, said: stderr })
}

/** A record of the host, one of all paths, one of all units, and one of each type that asks for more. */
export function lookScript(nonce: string, resources: readonly Resource[]): Script {
  const { paths, units } = askTogether(resources.map(asks))
  const record = (id: string, script: Script | undefined): Script =>
    script === undefined ? nothing : framed(nonce, id, script)
  const types = byType(resources).map(([{ type }, all], index) =>
    record(`f${index}`, type.facts?.(all.map(({ desired }) => desired))),
  )
  // Known to each of them, though each has a shell of its own.
  const deadline = resources.some(({ type }) => type.mayHang === true) ? lookDeadline : nothing
  return lines(
    deadline,
    framed(nonce, 'host', hostFactsScript),
    record('paths', paths),
    record('units', units),
    ...types,
  )
}

const asks = ({ type, desired }: Resource): Asked => type.asks?.(desired) ?? {}

/** What is in no record that is whole was not looked at. */
export function readLook(
  host: string,
  { output, nonce, resources, said }: { output: Buffer; nonce: string; resources: readonly Resource[]; said: string },
): Look {
  const frames = readFrames(output, nonce)
  const own = frames.get('host')
  if (own === undefined) throw notWhole(host, said)
  const [paths, units] = ['paths', 'units'].map((id) => frames.get(id)?.output)
  const together = readTogether(resources.map(asks), { paths, units })
  const seen = new Map(resources.map((resource, at) => [resource, together[at]!]))
  const looked = new Map<Resource, Looked<unknown>>()
  for (const [index, [{ type }, all]] of byType(resources).entries()) {
    const output = type.facts === undefined ? Buffer.alloc(0) : frames.get(`f${index}`)?.output
    const desired = all.map((one) => one.desired)
    const read = output === undefined ? [] : type.read(output, desired, all.map((one) => seen.get(one)!)) // prettier-ignore
    for (const [place, resource] of all.entries()) looked.set(resource, read[place] ?? { known: false, why: cutOff })
  }
  return { ...readHostFacts(own.output), looked }
}

/** In the order in which types come first. */
function byType(resources: readonly Resource[]): [Resource, Resource[]][] {
  const types = new Map<string, [Resource, Resource[]]>()
  for (const resource of resources) {
    const known = types.get(resource.type.name)
    if (known === undefined) types.set(resource.type.name, [resource, [resource]])
    else known[1].push(resource)
  }
  return [...types.values()]
}

function notWhole(host: string, said: string): LarderError {
  const words = said.trim().split('\n').at(-1) ?? ''
  return new LarderError('FLEET_HOST_UNREACHABLE', {
    message: `${host} did not say what it is${words === '' ? '' : `: ${words.slice(0, 300)}`}.`,
    hint: 'Is /bin/sh a POSIX shell there, and the connection whole?',
    context: { host },
  })
}
