import type { Forge, ForgeApi, Remote } from '../../forge/index.ts'
import type { ForgeConfig } from '../config/controller-config.ts'

/** The forge that has the site repository, as the configuration names it. */
export interface ConnectedForge {
  config: ForgeConfig
  remote: Remote
  /** Undefined: plain Git, which is polled and has no pull requests. */
  hosted: HostedForge | undefined
}

export interface HostedForge {
  forge: Forge
  /** `owner/name` */
  repository: string
  api: ForgeApi
}

/** Where the refs of the forge are kept: `refs/remotes/forge/heads/main`. */
export const remoteName = 'forge'

export const branchRef = (branch: string): string => `refs/heads/${branch}`
