import { LarderError } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import type { HostFacts, Looked, Resource } from '../resource/resource-type.ts'
import { lines, type Script } from '../shell/script.ts'
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
  options: { timeoutMs: number; signal: AbortSignal; facts?: HostFacts },
): Promise<Look> {
  const nonce = makeNonce()
  const { stdout, stderr } = await host.run(lookScript(nonce, resources, options.facts), options)
  return readLook(host.name, { output: stdout, nonce, resources, said: stderr })
}

/** A record of the host, and one of each type. */
export function lookScript(nonce: string, resources: readonly Resource[], facts: HostFacts | undefined): Script {
  const asked = byType(resources).map(([first, all], index) =>
    framed(
      nonce,
      `f${index}`,
      first.type.facts(
        all.map(({ desired }) => desired),
        facts,
      ),
    ),
  )
  return lines(framed(nonce, 'host', hostFactsScript), ...asked)
}

/** A type whose record is not whole, or whose script failed, was not looked at. */
export function readLook(
  host: string,
  { output, nonce, resources, said }: { output: Buffer; nonce: string; resources: readonly Resource[]; said: string },
): Look {
  const frames = readFrames(output, nonce)
  const own = frames.get('host')
  if (own === undefined) throw notWhole(host, said)
  const looked = new Map<Resource, Looked<unknown>>()
  for (const [index, [first, all]] of byType(resources).entries()) {
    const frame = frames.get(`f${index}`)
    const read =
      frame === undefined
        ? []
        : first.type.read(
            frame.output,
            all.map(({ desired }) => desired),
          )
    const why = frame === undefined ? 'what the host said of it is not whole' : `looking ended with ${frame.code}`
    for (const [place, resource] of all.entries()) looked.set(resource, read[place] ?? { known: false, why })
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
