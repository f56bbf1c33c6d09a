import { z } from 'zod'
import { validDays } from '../mirror/index.ts'
import { baseSets } from './base-set.ts'
import { architecture, component, suiteName } from './upstream-config.ts'

/** Keys of an APT mirror in larder.yaml, besides those that mirrors of all formats have. */
export const aptMirrorSchema = z.object({
  suite: suiteName.describe('Suite that clients name, and the one that is read from upstreams: bookworm.'),
  codename: suiteName.optional().describe('Codename in the published Release. Default: the suite.'),
  components: z
    .array(component)
    .min(1)
    .refine(areDistinct, 'each component once')
    .default(['main'])
    .describe('Components that are read and published. Default: main.'),
  architectures: z
    .array(architecture)
    .min(1)
    .refine(areDistinct, 'each architecture once')
    .refine(
      (names) => names.some((name) => name !== 'all'),
      'an architecture that machines have, such as amd64: packages for all come with it',
    )
    .describe('Architectures that are read and published: amd64.'),
  base: z
    .enum(baseSets)
    .default('none')
    .describe(
      'What a system needs that no list names: essential packages, or those of priority required or important too, so that debootstrap works. Default: none.',
    ),
  sources: z
    .boolean()
    .default(false)
    .describe(
      'The source package of everything in the mirror too, at the version it was built from, for deb-src and apt-get source; not those that Built-Using names. What no upstream has is a note in the plan. Default: false.',
    ),
  contents: z.boolean().default(false).describe('Contents files, for apt-file. Default: false.'),
  validDays,
  label: z.string().min(1).max(100).regex(/^[ -~]+$/, 'printable ASCII').optional().describe('Label of the published Release. Default: the name of the mirror.'), // prettier-ignore
})

export type AptMirrorConfig = z.infer<typeof aptMirrorSchema>

function areDistinct(names: readonly string[]): boolean {
  return new Set(names).size === names.length
}
