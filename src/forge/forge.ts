import type { ForgeEvent, PullRequest } from './event.ts'
import type { GitLogin } from './git/remote-access.ts'

/** Kinds of forges that have a folder of their own; Forgejo is `gitea`, whose API and hooks it keeps. */
export type ForgeName = 'github' | 'gitlab' | 'gitea'

/** Names in lower case, as node:http gives them; what came twice is joined by a comma. */
export type HookHeaders = Readonly<Record<string, string | undefined>>

/** A delivery as it arrived, before anything in it is believed. */
export interface RawDelivery {
  headers: HookHeaders
  /** Raw bytes of the body: what is signed. */
  bytes: Uint8Array
  /** The JSON text: the body itself, or the field `payload` of a form. */
  text: string
}

/** What a forge is to Larder. All folders of forges have this shape: verify, sign, parse, api. */
export interface Forge {
  readonly name: ForgeName
  /** `GitHub`, for people. */
  readonly title: string
  /** Whether the headers are of this forge and of no other that imitates it. */
  recognizes(headers: HookHeaders): boolean
  /**
   * Whether one of the secrets signed it. Several are for the time of a rotation; an empty secret or signature never
   * passes, and the time taken does not tell where a signature differs. `now` bounds schemes that sign a time.
   */
  verify(delivery: RawDelivery, secrets: readonly string[], now: Date): boolean
  /** What a delivery says it is. HOOK_MALFORMED. */
  envelope(delivery: RawDelivery): { deliveryId: string; event: string }
  /** `owner/name` that a payload is about; '' when it is about none. HOOK_MALFORMED. */
  repositoryOf(event: string, text: string): string
  /** What a delivery means. Pure. HOOK_MALFORMED when it is no payload of that event. */
  parse(event: string, text: string): ForgeEvent
  /** Headers that this forge would send with a payload; `event` may also be its name in payloads (GitLab: `push`). */
  sign(payload: { event: string; text: string; deliveryId: string; secret: string; now: Date }): Record<string, string>
  /** A payload, as a JSON object, that tells of another action: `closed`. */
  withAction(payload: Readonly<Record<string, unknown>>, action: string): object
  /** Where the base repository keeps the head of a pull request: `refs/pull/7/head`. */
  pullRequestRef(number: number): string
  api(options: ForgeApiOptions): ForgeApi
}

/** One HTTP exchange, made by whoever holds the network. Never follows a redirect to another host. */
export type HttpSend = (
  request: { method: string; url: string; headers: Record<string, string>; body?: string },
  signal: AbortSignal,
) => Promise<{ status: number; headers: Readonly<Record<string, string | undefined>>; text: string }>

export interface ForgeApiOptions {
  /** Address of the API, without a slash at the end; from the configuration, never from a payload. */
  url: string
  /** `owner/name`, for GitLab also with groups in between. */
  repository: string
  credentials: ForgeCredentials | undefined
  send: HttpSend
  now: () => Date
  /** Is told of tokens that the forge gave for a while, so that nobody comes to read them. */
  onToken?: (token: string) => void
}

export type ForgeCredentials =
  | { kind: 'token'; token: string }
  /** A GitHub App: what may make check runs with annotations. `privateKey` is PEM. */
  | { kind: 'app'; appId: string; installationId: string; privateKey: string }

/** What Larder asks of a forge. Every method may be repeated. FORGE_UNREACHABLE (retryable), FORGE_REFUSED. */
export interface ForgeApi {
  /** What Git over HTTP signs in with; undefined without credentials. */
  gitLogin(): Promise<GitLogin | undefined>
  /** All that are open, whatever their base. */
  openPullRequests(signal: AbortSignal): Promise<PullRequest[]>
  /** Whether this person may merge into the repository, and so may say that a fork's work is good. */
  mayApprove(login: string, signal: AbortSignal): Promise<boolean>
  /** The state of a commit: a check run where that may be made, a commit status elsewhere. */
  setStatus(status: CommitStatus, signal: AbortSignal): Promise<void>
  /** All comments of a pull request, oldest first. */
  comments(pullRequest: number, signal: AbortSignal): Promise<ForgeComment[]>
  /** The one comment of a pull request, found by its marker, is written or changed. */
  setComment(comment: { pullRequest: number; marker: string; text: string }, signal: AbortSignal): Promise<void>
}

/** What somebody wrote below a pull request. */
export interface ForgeComment {
  /** Login name; '' of somebody who is gone. */
  by: string
  text: string
}

/** What people see beside a commit. */
export interface CommitStatus {
  commit: string
  /** `larder` (a plan) or `larder/apply`: one of each name at a commit. */
  name: string
  state: 'pending' | 'success' | 'failure' | 'error'
  /** One line; forges cut it at 140 characters. */
  title: string
  /** Markdown, for forges that have room for it. */
  summary: string
  /** Where more is to be read. */
  url: string
  annotations: readonly Annotation[]
  /** Whose head the commit is. */
  pullRequest?: number
}

export interface Annotation {
  path: string
  line: number
  column: number
  severity: 'error' | 'warning'
  message: string
}
