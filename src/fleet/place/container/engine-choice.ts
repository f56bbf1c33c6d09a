import { LarderError } from '../../../core/index.ts'
import { writePrivateFile } from '../../../publish/index.ts'
import { readIfThere } from '../../read-if-there.ts'
import type { ContainerEngine } from './engine.ts'

export interface ChoiceRoom {
  /** Where it is written down which engine has the machines. Default: nowhere. */
  engineFile?: string | undefined
  /** Whether machines in containers were made before anything was written down. Default: none were. */
  hasMachines?: (() => Promise<boolean>) | undefined
}

export interface EngineChoice {
  /**
   * The engine that has the machines of the site; where none has, the first that can be used, from now on. Without a site it is
   * as likely as can be told, and looked for again. FLEET_PLACE_UNUSABLE: it cannot be used now, or none can.
   */
  choose: (site?: string) => Promise<ContainerEngine>
  /** Before a first machine is made by it. */
  remember: (engine: ContainerEngine) => Promise<void>
  /** Why machines can be made by none, or not by the one that has them. */
  unusable: () => Promise<Reason | undefined>
}

type Reason = NonNullable<Awaited<ReturnType<ContainerEngine['unusable']>>>

/** Machines do not move from one engine to another: one that does not answer for a while has what it had. */
export function engineChoice(engines: readonly ContainerEngine[], room: ChoiceRoom = {}): EngineChoice {
  const { engineFile } = room
  let chosen: ContainerEngine | undefined
  let written: string | undefined
  const remember = async ({ name }: ContainerEngine): Promise<void> => {
    if (engineFile === undefined || written === name) return
    await writePrivateFile(engineFile, `${name}\n`)
    written = name
  }
  return {
    remember,
    async choose(site) {
      if (chosen !== undefined) return chosen
      written = await readRemembered(engineFile)
      if (written !== undefined) return (chosen = await requireRemembered(engines, { name: written, engineFile }))
      const { engine, hasMachines } = await chooseEngine(engines, room, site)
      if (site === undefined) return engine
      if (hasMachines) await remember(engine)
      return (chosen = engine)
    },
    async unusable() {
      const name = chosen?.name ?? (await readRemembered(engineFile))
      const known = engines.find((engine) => engine.name === name)
      const reasons = await Promise.all((known === undefined ? engines : [known]).map((engine) => engine.unusable()))
      return reasons.includes(undefined) ? undefined : reasons[0]
    },
  }
}

async function readRemembered(engineFile: string | undefined): Promise<string | undefined> {
  const text = engineFile === undefined ? undefined : await readIfThere(engineFile)
  return text?.trim() === '' ? undefined : text?.trim()
}

async function requireRemembered(
  engines: readonly ContainerEngine[],
  { name, engineFile }: { name: string; engineFile: string | undefined },
): Promise<ContainerEngine> {
  const engine = engines.find((one) => one.name === name)
  if (engine === undefined) {
    throw new LarderError('FLEET_PLACE_UNUSABLE', {
      message: `${engineFile} names ${JSON.stringify(name.slice(0, 40))}, which is no engine of containers.`,
      hint: `One of these is to be in it: ${engines.map((one) => one.name).join(', ')}.`,
    })
  }
  const reason = await engine.unusable()
  if (reason === undefined) return engine
  throw new LarderError('FLEET_PLACE_UNUSABLE', {
    message: `Machines of this site are in containers of ${name}. ${reason.message}`,
    hint: `${reason.hint} To have them made anew by another engine, without what they hold: write its name into ${engineFile}`,
  })
}

interface Chosen {
  engine: ContainerEngine
  /** Of the site, already. */
  hasMachines: boolean
}

async function chooseEngine(
  engines: readonly ContainerEngine[],
  { engineFile, hasMachines }: ChoiceRoom,
  site: string | undefined,
): Promise<Chosen> {
  const usable: ContainerEngine[] = []
  const away: { engine: ContainerEngine; reason: Reason }[] = []
  for (const engine of engines) {
    const reason = await engine.unusable()
    if (reason === undefined) usable.push(engine)
    else away.push({ engine, reason })
  }
  const [first] = usable
  if (first === undefined) throw noneUsable(away.map(({ reason }) => reason))
  for (const engine of usable) if (await hasContainers(engine, site)) return { engine, hasMachines: true }
  // One that is preferred, and was used as long as it answered.
  const silent = away.find(
    ({ engine, reason }) => reason.isMissing !== true && engines.indexOf(engine) < engines.indexOf(first),
  )
  if (silent === undefined || (await hasMachines?.()) !== true) return { engine: first, hasMachines: false }
  const { engine, reason } = silent
  throw new LarderError('FLEET_PLACE_UNUSABLE', {
    message: `Machines of this site may be in containers of ${engine.name}; ${first.name} has none of them. ${reason.message}`,
    hint: `${reason.hint} To have them made anew by ${first.name}: echo ${first.name} >${engineFile}`,
  })
}

/** FLEET_MACHINE_FAILED: it does not say. */
async function hasContainers(engine: ContainerEngine, site: string | undefined): Promise<boolean> {
  const { signal } = new AbortController()
  const label = site === undefined ? 'larder.site' : `larder.site=${site}`
  const failure = `It is not known whether ${engine.name} has machines`
  const ids = await engine.require(['ps', '--all', '--quiet', '--filter', `label=${label}`], { signal, failure })
  return ids.trim() !== ''
}

function noneUsable(reasons: readonly Reason[]): LarderError {
  return new LarderError('FLEET_PLACE_UNUSABLE', {
    message: `No machine can be made in a container here. ${reasons.map(({ message }) => message).join(' ')}`,
    hint: reasons[0]?.hint ?? '',
  })
}
