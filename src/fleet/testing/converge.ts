import { lines, sh } from '../shell/script.ts'
import { makeNonce } from '../converge/frame.ts'
import { lookScript, readLook } from '../converge/look-at-host.ts'
import type {
  AnyResourceType,
  Difference,
  HostFacts,
  Looked,
  Resource,
  ResourceType,
} from '../resource/resource-type.ts'
import { runScript } from './run-script.ts'

export const debianHost: HostFacts = {
  os: 'debian', family: 'debian', version: '12', codename: 'bookworm', machine: 'x86_64', hostname: 'h', hasSystemd: false,
} // prettier-ignore

/** A tiny engine: facts, read, diff, apply of one type, here or within a root. */
export function tinyEngine<Declared, Desired, Facts>(
  type: ResourceType<Declared, Desired, Facts>,
  options: { root?: string; host?: HostFacts } = {},
): {
  look(all: readonly Desired[]): readonly Looked<Facts>[]
  plan(all: readonly Desired[]): (readonly Difference[] | string)[]
  /** Throws what was said on standard error where one fails. */
  apply(all: readonly Desired[]): void
} {
  const { host = debianHost, root } = options
  const look = (all: readonly Desired[]): readonly Looked<Facts>[] => {
    const resources = all.map((desired, at) => resourceOf(type, desired, at))
    const nonce = makeNonce()
    const { stdout, stderr } = runScript(lookScript(nonce, resources), { root })
    const { looked } = readLook('here', { output: stdout, nonce, resources, said: stderr })
    return resources.map((resource) => looked.get(resource) as Looked<Facts>)
  }
  const plan = (all: readonly Desired[]): (readonly Difference[] | string)[] =>
    look(all).map((looked, at) => (looked.known ? type.diff(all[at]!, looked.facts) : looked.why))
  return {
    look,
    plan,
    apply: (all) => {
      const looked = look(all)
      for (const [at, desired] of all.entries()) {
        const one = looked[at]!
        const facts = one.known ? one.facts : undefined
        const differences = facts === undefined ? [] : type.diff(desired, facts)
        if (facts !== undefined && differences.length === 0) continue
        const script = type.apply(desired, { facts, differences, host })
        const { code, stderr, stdout } = runScript(lines(sh`set -eu`, script), { root })
        if (code !== 0) throw new Error(`exit ${code}: ${stderr}${stdout.toString()}`)
      }
    },
  }
}

function resourceOf(type: AnyResourceType, desired: unknown, at: number): Resource {
  return { id: `${type.name}:${at}`, type, desired, after: [], notify: [], origin: 'larder.yaml:1' }
}
