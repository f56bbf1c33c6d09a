import type { SiteFiles } from '../../core/index.ts'
import type { DeclaredResource } from './parse-resources.ts'
import type { Claim } from './resource-type.ts'
import { excludeEachOther } from './when.ts'

/** Two resources that make different things of one: each run would undo what the other has done, for ever. */
export interface Rivals {
  readonly first: DeclaredResource
  readonly second: DeclaredResource
  /** `the name "db" in /etc/hosts` */
  readonly about: string
}

/** Twins, of one name, are none of them. */
export async function rivalsAmong(all: readonly DeclaredResource[], files: SiteFiles): Promise<Rivals[]> {
  const claims = await Promise.all(all.map(async ({ type, declared }) => (await type.claims?.(declared, files)) ?? []))
  const seen = new Map<string, { claim: Claim; by: DeclaredResource }[]>()
  return all.flatMap((second, at) =>
    claims[at]!.flatMap((claim) => {
      const others = seen.get(claim.key) ?? []
      seen.set(claim.key, [...others, { claim, by: second }])
      const rival = others.find(
        ({ claim: { value }, by }) =>
          value !== claim.value && by.aliases[0] !== second.aliases[0] && !excludeEachOther(by.when, second.when),
      )
      return rival === undefined ? [] : [{ first: rival.by, second, about: claim.about }]
    }),
  )
}
