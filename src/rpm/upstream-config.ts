import { z } from 'zod'

const address = z
  .string()
  .regex(/^(https?:\/\/[^\s/]+|file:\/\/\/)\S*$/, 'an http:, https: or file: address')
  .describe('Where the folder `repodata` is.')

const sizeBytes = z.int().positive()

const limits = z.strictObject({
  repomdBytes: sizeBytes
    .default(4 * 1024 ** 2)
    .describe('Largest repomd.xml, and largest list of mirrors. Default 4 MiB.'),
  indexBytes: sizeBytes.default(512 * 1024 ** 2).describe('Largest data file, compressed. Default 512 MiB.'),
  packageBytes: sizeBytes.default(8 * 1024 ** 3).describe('Largest package. Default 8 GiB.'),
})

const places = ['url', 'urls', 'mirrorlist', 'metalink'] as const

/** Keys of an RPM upstream in larder.yaml, besides `format`. */
export const rpmUpstreamSchema = z
  .strictObject({
    url: address.optional(),
    urls: z
      .array(address)
      .min(1)
      .optional()
      .describe('The same repository at several addresses, the preferred one first.'),
    mirrorlist: address.optional().describe('Address of a list of addresses of the repository, one in a line.'),
    metalink: address
      .optional()
      .describe('Address of a metalink: addresses of repomd.xml, and its hashes, which are then checked.'),
    keys: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe(
        'OpenPGP keys that may sign packages and repomd.xml: files of the site, or absolute paths of this host.',
      ),
    gpgcheck: z.boolean().default(true).describe('Refuse packages that none of the keys has signed. Default: true.'),
    repoGpgcheck: z
      .boolean()
      .optional()
      .describe(
        'Refuse a repomd.xml without a good repomd.xml.asc. Default: its signature is checked where there is one, and is a must from then on.',
      ),
    allowOlder: z
      .boolean()
      .default(false)
      .describe('Accept a repomd.xml that is older than the one seen before. Default: false.'),
    allowUnsigned: z
      .boolean()
      .default(false)
      .describe('Believe whoever answers at the address. Only for an upstream that you control from end to end.'),
    limits: limits.prefault({}),
  })
  .superRefine((config, context) => {
    const issue = (message: string, path: string[] = []): void => {
      context.addIssue({ code: 'custom', message, path })
    }
    const given = places.filter((key) => config[key] !== undefined)
    if (given.length === 0) issue(`one of ${places.slice(0, -1).join(', ')} and ${places.at(-1) ?? ''} is needed`)
    if (given.length > 1) issue(`${given.join(' and ')} exclude each other`, [given[1] ?? ''])
    if (config.repoGpgcheck === true && config.keys === undefined) {
      issue('keys are needed: the files of the keys that sign repomd.xml')
    } else if (config.keys === undefined && !config.allowUnsigned) {
      issue('keys are needed: the files of the keys that sign the packages of this upstream')
    }
    if (!config.gpgcheck && config.repoGpgcheck === false && !config.allowUnsigned) {
      issue('with neither gpgcheck nor repoGpgcheck nothing is verified: say allowUnsigned: true', ['repoGpgcheck'])
    }
  })

export type RpmUpstreamConfig = z.infer<typeof rpmUpstreamSchema>
