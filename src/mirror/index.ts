export { diffPackages, filesOf, type PackageDiff } from './package-diff.ts'
export {
  asAnyFormat,
  formatNamed,
  formatOfSnapshot,
  type AnyFormat,
  type AptClientSetup,
  type ClientSetup,
  type Format,
  type FormatContext,
  type FormatGrammar,
  type HeldDigests,
  type ListedPackage,
  type LoadedUpstream,
  type MirrorFile,
  type MirrorPackage,
  type MirrorRequest,
  type Resolution,
  type RpmClientSetup,
  sourceText,
  type WhyChain,
  type WrongSetting,
} from './format.ts'
export { packageChanges, packagesOfTree, planManifest, planSourceManifest, type ManifestLines } from './manifest.ts'
export { wishesOf } from './list-wishes.ts'
export { mirrorGrammar } from './mirror-grammar.ts'
export { createMirrorKind, type MirrorKindOptions } from './mirror-kind.ts'
export type { PreviewOptions } from './preview-mirror.ts'
export type { MirrorMemory } from './mirror-memory.ts'
export { contentOf } from './snapshot-content.ts'
export { validForMsOf } from './stage-mirror.ts'
export { noteDisagreements } from './note-disagreements.ts'
export { readUpstreamKeys, type KeySources } from './read-upstream-keys.ts'
export { chainsTo, shortestChains, type NeededRow } from './why-chains.ts'
export { readMirrorRequest } from './mirror-request.ts'
export { mirrorsOf, validDays, type MirrorConfig, type UpstreamConfig } from './mirror-schema.ts'
export { tidyCacheFolder, WarmLoads } from './warm-loads.ts'
export {
  ownUpstreamName,
  refuseArchitecture,
  refused,
  sourceOf,
  type OwnFile,
  type OwnPackage,
  type OwnPackageReader,
  type OwnPolicy,
  type OwnUpstream,
} from './own-packages.ts'
export { refuseUninstallable } from './refuse-uninstallable.ts'
export { republish, resign, type RepublishOptions } from './republish.ts'
export { unresolvedError, type Unresolved } from './unresolved.ts'
