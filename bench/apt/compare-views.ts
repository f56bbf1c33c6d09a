import type { ClientView } from './client.ts'

/**
 * What differs between the two publications, for people. An error where it is not another choice between
 * alternatives: the two must hold nearly the same, or the times are of different work.
 */
export function compareViews(larder: ClientView, peer: ClientView): string[] {
  const [ours, theirs] = [new Set(larder.packages), new Set(peer.packages)]
  const onlyOurs = larder.packages.filter((one) => !theirs.has(one))
  const onlyTheirs = peer.packages.filter((one) => !ours.has(one))
  const differing = onlyOurs.length + onlyTheirs.length
  if (differing > maxDiffering * ours.size) {
    throw new Error(
      `the two hold different packages: only Larder has ${onlyOurs.join(', ')}; only the peer has ${onlyTheirs.join(', ')}`,
    )
  }
  return [
    `Larder holds ${ours.size} packages, the peer ${theirs.size}; apt plans the installation from either`,
    ...onlyOurs.map((one) => `only Larder: ${one}`),
    ...onlyTheirs.map(
      (one) =>
        `only the peer (it takes every alternative of a dependency that names several, Larder the one that suffices): ${one}`,
    ),
  ]
}

const maxDiffering = 0.1
