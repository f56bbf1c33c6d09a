/** What is told of a build. Values of build arguments stand in it: secrets belong elsewhere. */
export interface ProvenanceFacts {
  /** Address of the site repository; a login in it is left out. */
  repository: string
  /** 40 or 64 hex digits. */
  commit: string
  /** `refs/heads/develop`, where the commit was found. */
  ref?: string | undefined
  /** Folder of the context and the Dockerfile in it, as paths in the repository. */
  context: string
  dockerfile: string
  target?: string | undefined
  platform?: string | undefined
  /** Of an index: those that its images are for. */
  platforms?: readonly string[] | undefined
  buildArguments: Readonly<Record<string, string>>
  labels: Readonly<Record<string, string>>
  /** What a build reaches while it runs. */
  network: string
  sourceDateEpoch: Date
  /** Digest as `sha256:<hex>`; a base image without one was not from a registry. */
  baseImages: readonly { name: string; digest: string }[]
  engine: { name: string; version: string }
  /** A URI for whoever builds: the address of the controller. */
  builderId: string
  larderVersion: string
  /** Of the run. */
  invocationId: string
  startedAt: Date
  finishedAt: Date
}

export const provenanceType = 'https://slsa.dev/provenance/v1'

/** What externalParameters and internalParameters mean. It is a name, and leads nowhere. */
const buildType = 'urn:larder:build:dockerfile:1'

/** The predicate. Source: SLSA 1.0, provenance. */
export function provenanceOf(facts: ProvenanceFacts): object {
  const source = gitUri(facts.repository)
  return {
    buildDefinition: {
      buildType,
      externalParameters: {
        source: { uri: source, ...(facts.ref === undefined ? {} : { ref: facts.ref }) },
        context: facts.context,
        dockerfile: facts.dockerfile,
        ...(facts.target === undefined ? {} : { target: facts.target }),
        ...(facts.platform === undefined ? {} : { platform: facts.platform }),
        ...(facts.platforms === undefined ? {} : { platforms: facts.platforms }),
        buildArguments: sorted(facts.buildArguments),
      },
      internalParameters: {
        labels: sorted(facts.labels),
        network: facts.network,
        sourceDateEpoch: Math.floor(facts.sourceDateEpoch.getTime() / 1000),
      },
      resolvedDependencies: [
        { uri: source, digest: { gitCommit: facts.commit } },
        ...facts.baseImages.map(({ name, digest }) => ({
          uri: `docker://${name}`,
          digest: { [digest.slice(0, digest.indexOf(':'))]: digest.slice(digest.indexOf(':') + 1) },
        })),
      ],
    },
    runDetails: {
      builder: {
        id: facts.builderId,
        version: { larder: facts.larderVersion, [facts.engine.name]: facts.engine.version },
      },
      metadata: {
        invocationId: facts.invocationId,
        startedOn: seconds(facts.startedAt),
        finishedOn: seconds(facts.finishedAt),
      },
    },
  }
}

/** `git+https://…`, also for what git writes as `host:path`; without a login. Source: SPDX 2.3, download location. */
export function gitUri(repository: string): string {
  const short = /^(?:[^@/:\s]+@)?([A-Za-z0-9.-]+):(?!\/)(.+)$/.exec(repository)
  if (short !== null) return `git+ssh://${short[1] ?? ''}/${short[2] ?? ''}`
  if (!URL.canParse(repository)) return `git+file://${encodeURI(repository)}`
  const url = new URL(repository)
  url.username = ''
  url.password = ''
  url.search = ''
  return `git+${url.href}`
}

function sorted(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** RFC 3339 in whole seconds. */
export function seconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}
