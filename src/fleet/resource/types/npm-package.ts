import { z } from 'zod'
import { parseJson } from '../../../core/index.ts'
import { sh } from '../../shell/script.ts'
import { asWord, cutOff, fromWord, readRecords, records } from '../fact-text.ts'
import { hostPath, presence } from '../grammar.ts'
import type { ResourceType } from '../resource-type.ts'
import { versionDifferences } from '../version-differences.ts'

const schema = z
  .strictObject({
    'npm-package': z
      .string()
      .max(214)
      .regex(/^(?:@[a-z0-9-~][a-z0-9._-]*\/)?[a-z0-9-~][a-z0-9._-]*$/, 'the name of a package of npm is needed')
      .refine((name) => !name.startsWith('-'), 'a name does not begin with -'),
    version: z
      .string()
      .regex(/^[0-9]+\.[0-9]+\.[0-9]+(?:[-+][A-Za-z0-9.+-]+)?$/, 'a whole version is needed: 1.2.3')
      .optional(),
    prefix: hostPath.default('/usr/local').describe('Where programs of it go, in bin/'),
    registry: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Default: as npm is set up there'),
    scripts: z.boolean().default(false).describe('Programs that packages bring may run while they are installed'),
    state: presence,
  })
  .describe('A package of npm, for all users')

type Declared = z.output<typeof schema>

/** Undefined: it is not there. */
export type NpmFacts = string | undefined

export const npmPackageType: ResourceType<Declared, Declared, NpmFacts> = {
  name: 'npm-package',
  schema,
  subjectOf: (declared) => declared['npm-package'],
  resolve: async (declared) => declared,
  after: () => ['package:*', 'file:/etc/npmrc', 'file:/usr/etc/npmrc'],
  /** Without npm, which takes a quarter of a second to start. */
  facts: (all) =>
    records(
      all.map(({ prefix, 'npm-package': name }) => {
        const path = `${prefix}/lib/node_modules/${name}/package.json`
        return sh`if [ -f ${path} ]; then printf 'manifest '; head -c 262144 -- ${path} | ${asWord}; else echo none; fi`
      }),
    ),
  read: (output, all) =>
    readRecords(output, all.length).map((record) => {
      if (record?.has('none')) return { known: true, facts: undefined }
      const text = fromWord(record?.get('manifest'))?.toString()
      const version = text === undefined ? undefined : versionIn(text)
      return version === undefined ? { known: false, why: cutOff } : { known: true, facts: version }
    }),
  diff: versionDifferences,
  apply: ({ 'npm-package': name, version, prefix, registry, scripts, state }) => {
    const options = [
      '--global',
      '--prefix',
      prefix,
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      '--loglevel=error',
      ...(registry === undefined ? [] : ['--registry', registry]),
    ]
    if (state === 'absent') return sh`cd / && npm uninstall ${options} -- ${name}`
    const safe = scripts ? [] : ['--ignore-scripts']
    return sh`cd / && npm install ${options} ${safe} -- ${version === undefined ? name : `${name}@${version}`}`
  },
}

function versionIn(manifest: string): string | undefined {
  const version = (parseJson(manifest) as { version?: unknown } | null | undefined)?.version
  return typeof version === 'string' ? version.slice(0, 256) : undefined
}
