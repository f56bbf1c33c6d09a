import type { Forge, ForgeName } from './forge.ts'
import { giteaForge } from './gitea/forge.ts'
import { githubForge } from './github/forge.ts'
import { gitlabForge } from './gitlab/forge.ts'

/** All kinds of forges that are known. */
export const forges: readonly Forge[] = [githubForge, gitlabForge, giteaForge]

export function forgeNamed(name: ForgeName): Forge {
  const found = forges.find((forge) => forge.name === name)
  if (found === undefined) throw new Error(`there is no forge ${name}`)
  return found
}
