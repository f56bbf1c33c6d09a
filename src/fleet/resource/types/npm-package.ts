import { z } from 'zod'
import { parseJson } from '../../../core/index.ts'
import { sh, type Script } from '../../shell/script.ts'
import { enterFolder } from '../enter-folder.ts'
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

export interface NpmFacts {
  /** Undefined: it is not there. */
  readonly version: string | undefined
  /** Npm was killed while it installed it. Its manifest may be there before all else is. */
  readonly isHalf: boolean
}

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
        const mark = `${prefix}/lib/node_modules/${markOf(name)}`
        return sh`[ ! -e ${mark} ] || echo half; if [ -f ${path} ]; then printf 'manifest '; head -c 262144 -- ${path} | ${asWord}; else echo none; fi`
      }),
    ),
  read: (output, all) =>
    readRecords(output, all.length).map((record) => {
      const isHalf = record?.has('half') ?? false
      if (record?.has('none')) return { known: true, facts: { version: undefined, isHalf } }
      const text = fromWord(record?.get('manifest'))?.toString()
      const version = text === undefined ? undefined : versionIn(text)
      const isKnown = version !== undefined || (isHalf && text !== undefined)
      return isKnown ? { known: true, facts: { version, isHalf } } : { known: false, why: cutOff }
    }),
  diff: (desired, { version, isHalf }) => [
    ...versionDifferences(desired, version),
    ...(isHalf ? [{ what: 'state', from: 'not whole', to: desired.state === 'absent' ? undefined : 'whole' }] : []),
  ],
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
    const modules = `${prefix}/lib/node_modules`
    const mark = `./${markOf(name)}`
    const unmark = sh`(\n${enterFolder(modules, 'nothing to do')}\nrm -f -- ${mark}\n)`
    if (state === 'absent') {
      return sh`(\n${enterFolder(modules, 'nothing to do')}\n${removeHalf(name)}\n)
cd / && npm uninstall ${options} -- ${name}\n${unmark}`
    }
    const safe = scripts ? [] : ['--ignore-scripts']
    // Made anew, so that no link of somebody is followed.
    return sh`(umask 022\n${enterFolder(modules)}\n${removeHalf(name)}\nrm -f -- ${mark}\nset -C\n: >${mark}\n)
cd / && npm install ${options} ${safe} -- ${version === undefined ? name : `${name}@${version}`} || {
code=$?\n[ $code -ge 128 ] || ${unmark}\nexit $code\n}\n${unmark}`
  },
}

/** Stands while npm is at work. Names of packages have no `+`. */
function markOf(name: string): string {
  return `.larder-${name.replace('/', '+')}`
}

/**
 * Npm keeps what a manifest is there for, and fails where it finds what it had put aside itself, `.name-8charact`: both go before it
 * starts again, as do links to the programs, which it would not find any more. Where npm ends by itself it puts back what was there, and
 * the mark goes, so that nothing that works is removed here.
 */
function removeHalf(name: string): Script {
  const at = name.lastIndexOf('/') + 1
  const aside = `./${name.slice(0, at)}.${name.slice(at)}-`
  return sh`if [ -e ${`./${markOf(name)}`} ]; then
rm -rf --one-file-system -- ${`./${name}`}
for old in ${aside}[A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9]; do [ ! -d "$old" ] || rm -rf --one-file-system -- "$old"; done
for link in ../../bin/*; do
if [ -L "$link" ]; then case $(readlink -- "$link") in ${`../lib/node_modules/${name}/`}*) rm -f -- "$link" ;; esac; fi
done
fi`
}

function versionIn(manifest: string): string | undefined {
  const version = (parseJson(manifest) as { version?: unknown } | null | undefined)?.version
  return typeof version === 'string' ? version.slice(0, 256) : undefined
}
