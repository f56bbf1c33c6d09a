import type { KindGrammar } from '../core/index.ts'
import { checkMirrors } from './check-mirrors.ts'
import type { FormatGrammar } from './format.ts'
import { mirrorSections, type MirrorsConfig } from './mirror-schema.ts'
import { packageListSchema } from './package-list-schema.ts'

/** What the files of a site may say of mirrors, with nothing opened. */
export function mirrorGrammar(formats: readonly FormatGrammar[]): KindGrammar<MirrorsConfig> {
  const { upstreams, mirrors } = mirrorSections(formats)
  return {
    section: 'mirrors',
    sharedSections: { upstreams },
    fileSchemas: { 'packages.json': packageListSchema },
    schema: mirrors,
    check: (desired, context) => checkMirrors(desired, context, formats),
  }
}
