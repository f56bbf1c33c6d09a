import { aptGrammar } from '../apt/index.ts'
import type { KindGrammar } from '../core/index.ts'
import { mirrorGrammar } from '../mirror/index.ts'
import { machineGrammar, networkGrammar, serviceGrammar } from '../fleet/index.ts'
import { imageGrammar } from '../oci/index.ts'
import { rpmGrammar } from '../rpm/index.ts'

/** What the files of a site may say, for checks that open no data folder and no network. */
export function siteKinds(): KindGrammar[] {
  return [mirrorGrammar([aptGrammar, rpmGrammar]), imageGrammar(), networkGrammar(), machineGrammar(), serviceGrammar()]
}
