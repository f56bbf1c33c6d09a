import { z } from 'zod'

const architecture = z
  .string()
  .max(50)
  .regex(/^[a-z0-9][a-z0-9_]*$/, 'an architecture such as x86_64')
  .refine(
    (name) => name !== 'src' && name !== 'nosrc',
    'an architecture that packages are installed on, such as x86_64',
  )

const moduleStream = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9][A-Za-z0-9+._-]*:[A-Za-z0-9][A-Za-z0-9+._-]*$/, 'name:stream, such as nodejs:20')

/** Keys of an RPM mirror in larder.yaml, besides those that mirrors of all formats have. */
export const rpmMirrorSchema = z.object({
  architectures: z
    .array(architecture)
    .min(1)
    .describe(
      'Architectures of the packages that are read and published; noarch always is: x86_64. With i686 too, it is a mirror for multilib.',
    ),
  versions: z
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('How many versions of a listed package are held, the newest first, each with what it needs. Default: 1.'),
  modules: z
    .array(moduleStream)
    .default([])
    .describe('Streams of modules whose packages may be taken, whole with their metadata: `nodejs:20`. Default: none.'),
  ownKeys: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'Keys that must have signed packages that are added with `larder mirror add`: files of the site, or absolute paths of this host. Default: they need no signature, or get one where `signOwn` is true.',
    ),
  signOwn: z
    .boolean()
    .default(false)
    .describe(
      'Sign packages that are added with `larder mirror add` and have no signature, by the key of the mirror, so that clients verify them too. Those that have one must have it from one of `ownKeys`. Default: false.',
    ),
  compatibility: z
    .enum(['yum3'])
    .optional()
    .describe('Clients as old as yum 3, of CentOS 7: refuses what they cannot read. Default: dnf and later.'),
})

export type RpmMirrorConfig = z.infer<typeof rpmMirrorSchema>
