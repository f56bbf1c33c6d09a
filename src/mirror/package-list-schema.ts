import { z } from 'zod'

const names = z
  .string()
  .min(1)
  .describe(
    'One package or several, with blanks between them: `nginx`, `nginx (>= 1.22)`, `nginx=1.22.1-9`, `libc6:amd64`.',
  )
const recommends = z
  .boolean()
  .optional()
  .describe('Take what the packages recommend, too. Default: what the mirror says.')
const exclude = z.array(z.string().min(1)).optional().describe('Names that are never taken on account of this entry.')

export const listedCommandSchema = z
  .strictObject({ package_command: names, recommends, exclude })
  .describe('The names that would follow the install command of a package manager.')

export const listedObjectSchema = z
  .strictObject({
    name: z.string().min(1).describe('Name of one package.'),
    version: z
      .string()
      .min(1)
      .optional()
      .describe(
        '`1.22.1-9` or `= 1.22.1-9` for exactly that one, or a bound by `>=`, `<=`, `>>` (later) or `<<` (earlier).',
      ),
    architecture: z.string().min(1).optional().describe('Only for this architecture, of those of the mirror.'),
    recommends,
    exclude,
  })
  .describe('One package with its options.')

export const packageEntries = z.array(z.union([names, listedCommandSchema, listedObjectSchema]))

/** What a package list may look like: for editors and for the reference. */
export const packageListSchema = z
  .union([packageEntries, z.strictObject({ $schema: z.string().optional(), packages: packageEntries })])
  .describe('a list such as ["nmap", "nginx (>= 1.22)"] or [{"package_command": "nmap"}]')
