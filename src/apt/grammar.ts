import type { FormatGrammar } from '../mirror/index.ts'
import { checkListed } from './check-listed.ts'
import { aptMirrorSchema } from './mirror-config.ts'
import { aptUpstreamSchema } from './upstream-config.ts'

/** What the files of a site may say of APT mirrors and upstreams. */
export const aptGrammar = {
  name: 'apt',
  upstreamSchema: aptUpstreamSchema,
  mirrorSchema: aptMirrorSchema,
  checkListed,
} satisfies FormatGrammar
