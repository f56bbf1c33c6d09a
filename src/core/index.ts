export { type Clock, systemClock } from './clock.ts'
export { type Digest, digestFromHex, digestOf, hexOf, isDigest } from './digest.ts'
export { type ErrorCode, catalogue, isErrorCode } from './error-catalogue.ts'
export { calledOff, isCalledOff } from './called-off.ts'
export { type ErrorDetails, LarderError, isLarderError, retell } from './error.ts'
export {
  parseSiteFile,
  parseYaml,
  problemAt,
  quote,
  respell,
  subDocument,
  validate,
  withNames,
  type NameChange,
  type Parsed,
  type Path,
  type Position,
  type Respelt,
  type SourceDocument,
  type Validated,
} from './document/index.ts'
export { formatBytes } from './format-bytes.ts'
export { freeMemory, ioBuffer } from './io-buffer.ts'
export type {
  Change,
  CheckContext,
  Finding,
  Kind,
  KindContext,
  KindGrammar,
  PreviewedChange,
  SiteEntry,
  SiteFiles,
} from './kind.ts'
export { lazyPackage } from './lazy-package.ts'
export { type Facts, type Log, type LogLevel, type LogOptions, createLog, silentLog } from './log.ts'
export { Mutex } from './mutex.ts'
export { parseJson } from './parse-json.ts'
export { namesIn } from './names-in.ts'
export { openIfThere, openSyncIfThere } from './open-if-there.ts'
export { plainText } from './plain-text.ts'
export { mayBePostponed, type Postponed } from './postponed.ts'
export { type Problem, formatProblem, problemsIn, sortProblems } from './problem.ts'
export { type Progress, type TransferState, silentProgress } from './progress.ts'
export { shortTime } from './short-time.ts'
export { closest } from './suggest.ts'
export { describeTransfer, TransferRate } from './transfer-rate.ts'
export { KnownSecrets } from './known-secrets.ts'
export { ownValue } from './own-value.ts'
export { readIfThere } from './read-if-there.ts'
export { readSiteFile } from './read-site-file.ts'
export { redactText } from './redact.ts'
export { parseRetryAfter } from './retry-after.ts'
