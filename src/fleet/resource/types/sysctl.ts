import { z } from 'zod'
import { lines, nothing, sh } from '../../shell/script.ts'
import { askedPath, desiredFile, fileDifferences, isRewritten, type DesiredFile } from '../content.ts'
import { asWord, cutOff, fromWord, readRecords, records } from '../fact-text.ts'
import { oneLine, presence } from '../grammar.ts'
import type { PathFacts } from '../path-facts.ts'
import type { ResourceType } from '../resource-type.ts'
import { setAttributes, writeFile } from '../write-file.ts'

const schema = z
  .strictObject({
    sysctl: z
      .string()
      .max(200)
      .regex(/^[a-z0-9_]+(?:[./][A-Za-z0-9_:-]+)+$/, 'the name of a setting is needed: net.ipv4.ip_forward'),
    value: z.union([oneLine.min(1), z.int().transform(String)]).optional(),
    live: z.boolean().default(true).describe('false: only from the next start on, for machines that may not change it'),
    state: presence,
  })
  .refine(({ value, state }) => state === 'absent' || value !== undefined, '"value" is missing')
  .describe('A setting of the kernel, now and from the next start on (/etc/sysctl.d)')

type Declared = z.output<typeof schema>

interface Desired {
  readonly key: string
  readonly value: string
  readonly live: boolean
  /** Where it is kept; undefined: nowhere. */
  readonly file: DesiredFile | undefined
  readonly path: string
}

export interface SysctlFacts {
  readonly file: PathFacts
  /** Undefined: the kernel has no such setting. */
  readonly value: string | undefined
}

export const sysctlType: ResourceType<Declared, Desired, SysctlFacts> = {
  name: 'sysctl',
  schema,
  subjectOf: (declared) => declared.sysctl,
  resolve: async ({ sysctl: key, value = '', live, state }) => {
    const path = `/etc/sysctl.d/90-larder-${key.replaceAll('/', '-')}.conf`
    const file = state === 'absent' ? undefined : desiredFile(path, `${key} = ${value}\n`)
    return { key, value: words(value), live: live && state === 'present', file, path }
  },
  asks: ({ path, file }) => ({ paths: [askedPath(path, file)] }),
  facts: (all) =>
    records(
      all.map(
        ({ key }) =>
          sh`if [ -e ${procPath(key)} ]; then printf 'value '; head -c 4096 ${procPath(key)} | ${asWord}; else echo none; fi`,
      ),
    ),
  read: (output, all, seen) =>
    readRecords(output, all.length).map((record, at) => {
      const [file] = seen[at]!.paths
      const value = fromWord(record?.get('value'))?.toString('utf8')
      if (file === undefined || (value === undefined && !record?.has('none'))) return { known: false, why: cutOff }
      return { known: true, facts: { file, value: value === undefined ? undefined : words(value) } }
    }),
  diff: ({ file, value, live }, facts) => {
    if (file === undefined) return facts.file.kind === 'absent' ? [] : [{ what: 'state', from: 'present' }]
    const now = live && facts.value !== value ? [{ what: 'value', from: facts.value, to: value }] : []
    return [...now, ...fileDifferences(file, facts.file)]
  },
  apply: ({ key, value, live, file, path }, { facts, differences }) => {
    if (file === undefined) return sh`rm -f -- ${path}`
    const now = live ? sh`printf '%s\n' ${value} >${procPath(key)}` : nothing
    const kept = facts === undefined || isRewritten(differences) ? writeFile(file) : setAttributes(file)
    return lines(now, kept)
  },
}

/** sysctl.d(5): where the first separator is a slash, dots are part of names. */
function procPath(key: string): string {
  const isPath = /^[^.]*\//.test(key)
  return `/proc/sys/${isPath ? key : key.replace(/[./]/g, (mark) => (mark === '.' ? '/' : '.'))}`
}

/** The kernel separates several values by tabs. */
function words(value: string): string {
  return value.trim().split(/\s+/).join(' ')
}
