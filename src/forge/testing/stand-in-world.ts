import type { StandInRepository } from './stand-in-repository.ts'

/** What a stand-in forge holds; routes and payloads of all forges are views of it. */
export interface StandInWorld {
  readonly repository: StandInRepository
  /** `owner/name` */
  readonly name: string
  readonly now: () => Date
  readonly pulls: StandInPull[]
  readonly comments: StandInComment[]
  /** All that were sent, oldest first. */
  readonly statuses: StandInStatus[]
  readonly checkRuns: StandInCheckRun[]
  /** By login name. Whoever is not in it may read. */
  readonly collaborators: Map<string, 'read' | 'write' | 'admin'>
  /** Whose the token is. */
  readonly owner: string
  /** Whether they may change settings of the repository: Gitea tells nobody else who may do what. */
  isTokenOfAdministrator: boolean
  /** Most items of a page, whatever is asked for. */
  pageSize: number
  nextId(): number
}

export interface StandInPull {
  number: number
  title: string
  author: string
  branch: string
  headCommit: string
  baseCommit: string
  /** `owner/name` of the fork; undefined: a branch of the repository itself. */
  fork: string | undefined
  state: 'open' | 'closed' | 'merged'
  labels: string[]
  updatedAt: Date
}

export interface StandInComment {
  id: number
  pull: number
  author: string
  text: string
}

export interface StandInStatus {
  commit: string
  name: string
  /** In the words of the forge. */
  state: string
  description: string
  url: string
}

export interface StandInCheckRun {
  id: number
  commit: string
  name: string
  status: string
  conclusion: string | undefined
  title: string
  summary: string
  url: string
  annotations: { path: string; start_line: number; message: string; annotation_level: string }[]
}

/** A request to the API whose signature or token was found right. */
export interface ApiRequest {
  method: string
  /** Below the address of the API, decoded part by part. */
  parts: readonly string[]
  query: URLSearchParams
  body: unknown
}

export interface ApiReply {
  status: number
  body: unknown
  /** A list: cut into pages by `page`. */
  isList?: boolean
}

/** How one forge speaks of the world. */
export interface Dialect {
  /** Path that its API has: `/api/v3`. */
  apiPath: string
  /** Name of the parameter that asks for a size of page. */
  pageParameter: string
  /** Header that a token comes in, as it is to be. */
  authorization(token: string): { header: string; value: string }
  /** Undefined: there is no such route. A ZodError is what the forge would refuse as malformed. */
  answer(request: ApiRequest, world: StandInWorld): ApiReply | undefined
  /** Payloads of its hooks. */
  push(world: StandInWorld, push: { before: string; after: string; branch: string }): HookPayload
  pull(world: StandInWorld, pull: StandInPull, news: PullNews): HookPayload
  comment(world: StandInWorld, comment: StandInComment, pull: StandInPull): HookPayload
}

export interface PullNews {
  action: 'open' | 'update' | 'close' | 'merge' | 'reopen' | 'label'
  /** Login name. */
  by: string
}

export interface HookPayload {
  event: string
  value: object
}

/** The status of a name that counts at a commit. */
export function latestStatus(world: StandInWorld, commit: string, name: string): StandInStatus | undefined {
  return world.statuses.findLast((status) => status.commit === commit && status.name === name)
}

/** Number of the path, if there is one of a pull request. */
export function pullNumbered(world: StandInWorld, text: string | undefined): StandInPull | undefined {
  return world.pulls.find(({ number }) => String(number) === text)
}

/** Every second part is a name or number, but for a few words: `issues/comments/*`, `members/all`. */
export function routeOf(parts: readonly string[]): string {
  const isName = (part: string, index: number): boolean =>
    /^\d+$/.test(part) || (index % 2 === 1 && !['comments', 'all'].includes(part))
  return parts.map((part, index) => (isName(part, index) ? '*' : part)).join('/')
}
