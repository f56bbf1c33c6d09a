import type { FormatGrammar } from '../mirror/index.ts'
import { checkListed } from './check-listed.ts'
import { rpmMirrorSchema } from './mirror-config.ts'
import { rpmUpstreamSchema } from './upstream-config.ts'

/** What the files of a site may say of RPM mirrors and upstreams. */
export const rpmGrammar = {
  name: 'rpm',
  upstreamSchema: rpmUpstreamSchema,
  mirrorSchema: rpmMirrorSchema,
  checkListed,
} satisfies FormatGrammar
