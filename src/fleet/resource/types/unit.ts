import { z } from 'zod'
import { lines, sh } from '../../shell/script.ts'
import { askedPath, desiredFile, fileDifferences, isRewritten, type DesiredFile } from '../content.ts'
import { cutOff } from '../fact-text.ts'
import { presence, unitName } from '../grammar.ts'
import type { PathFacts } from '../path-facts.ts'
import { folderAndOwners } from '../path-order.ts'
import type { ResourceType } from '../resource-type.ts'
import { setAttributes, writeFile } from '../write-file.ts'
import { hasOneSource, resolveText, textNames, textSources } from './file.ts'

const dropIn = z
  .string()
  .regex(/^[A-Za-z0-9:_.@\\-]+\.(?:service|socket|timer|mount|path|target|slice)\.d\/[A-Za-z0-9_.-]+\.conf$/)

const schema = z
  .strictObject({
    unit: z.union(
      [unitName, dropIn],
      'the name of a unit is needed, nginx.service, or of a part of one, nginx.service.d/limits.conf',
    ),
    ...textSources,
    state: presence,
  })
  .refine(hasOneSource, 'one of content, source, template, inline and secret is needed, or `state: absent`')
  .describe('The text of a unit of systemd, in /etc/systemd/system. `service` starts it')

type Declared = z.output<typeof schema>

interface Desired {
  readonly name: string
  readonly path: string
  readonly file: DesiredFile | undefined
}

export interface UnitTextFacts {
  readonly file: PathFacts
  readonly needsReload: boolean
}

export const unitType: ResourceType<Declared, Desired, UnitTextFacts> = {
  name: 'unit',
  schema,
  subjectOf: (declared) => declared.unit,
  names: textNames,
  resolve: async (declared, room) => {
    const path = `/etc/systemd/system/${declared.unit}`
    if (declared.state === 'absent') return { name: declared.unit, path, file: undefined }
    const { content, isSecret } = await resolveText(declared, room)
    return { name: declared.unit, path, file: desiredFile(path, content, isSecret ? { mode: '0600', isSecret } : {}) }
  },
  after: ({ path }) => folderAndOwners(path, undefined),
  asks: ({ name, path, file }) => ({ paths: [askedPath(path, file)], units: [unitOf(name)] }),
  read: (_, _all, seen) =>
    seen.map(({ paths: [file], units }) =>
      file === undefined
        ? { known: false, why: cutOff }
        : { known: true, facts: { file, needsReload: typeof units !== 'string' && units[0]!.needsReload } },
    ),
  diff: ({ file }, facts) => {
    if (file === undefined) return facts.file.kind === 'absent' ? [] : [{ what: 'state', from: 'present' }]
    const differences = fileDifferences(file, facts.file)
    return differences.length === 0 && facts.needsReload
      ? [{ what: 'loaded', from: 'an older text', to: 'this text' }]
      : differences
  },
  apply: ({ name, path, file }, { facts, differences }) => {
    const reload = sh`[ ! -d /run/systemd/system ] || systemctl daemon-reload`
    if (file !== undefined) {
      return lines(facts === undefined || isRewritten(differences) ? writeFile(file) : setAttributes(file), reload)
    }
    const isWhole = unitOf(name) === name && !name.includes('@.')
    const stop = isWhole ? sh`[ ! -d /run/systemd/system ] || systemctl disable --now -q -- ${name} || :` : sh`:`
    return lines(stop, sh`rm -f -- ${path}`, reload)
  },
}

/** `nginx.service` of nginx.service.d/limits.conf. Templates cannot be asked about: one of them can. */
function unitOf(name: string): string {
  return name.split('.d/')[0]!.replace('@.', '@x.')
}
