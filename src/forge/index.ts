export { commentMarker, readApproval } from './approval.ts'
export type { ApprovalEvent, ForgeEvent, PullRequest, PullRequestEvent } from './event.ts'
export type {
  Annotation,
  CommitStatus,
  Forge,
  ForgeApi,
  ForgeApiOptions,
  ForgeCredentials,
  ForgeName,
  HookHeaders,
  HttpSend,
  RawDelivery,
} from './forge.ts'
export { forgeNamed, forges } from './forges.ts'
export { prepareBareRepository, type BareRepositoryOptions } from './git/bare-repository.ts'
export { openCommit, type CommitFiles, type CommitOptions } from './git/commit-files.ts'
export { readCommitTime } from './git/commit-time.ts'
export { createCommitMemory, type OpenCommit } from './git/commit-memory.ts'
export type { BytesSend } from './git/lfs.ts'
export { createSiteCommitOpener } from './git/open-site-commit.ts'
export { runHttpBackend, type BackendEnd, type BackendRequest } from './git/http-backend.ts'
export {
  createPushGate,
  type PushGate,
  type PushGateOptions,
  type PushRequest,
  type PushTicket,
} from './git/push-gate.ts'
export type { RefUpdate } from './git/push-rules.ts'
export {
  collectObjects,
  dropRefs,
  fetchRefs,
  listRemoteRefs,
  localRef,
  mergeTree,
  type MergeResult,
  type RemoteRef,
} from './git/remote.ts'
export { isBranchName } from './git/ref-name.ts'
export { dropSubmoduleRefs, listSubmoduleLinks } from './git/submodule-links.ts'
export { accessTo, type GitLogin, type Remote } from './git/remote-access.ts'
export { type GitRepository, isAncestor, listBranches, resolveRef, resolveRefs } from './git/repository.ts'
