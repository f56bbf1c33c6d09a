/** How one mirror of a test site is declared. */
export interface MirrorText {
  upstreams?: readonly string[]
  packages?: string
  /** Further keys of the mirror, as YAML: `base: required`. */
  more?: readonly string[]
}

/** larder.yaml of a site whose upstreams are loopback addresses with their keys in keys/NAME.asc. */
export function larderYaml(
  upstreams: Readonly<Record<string, string>>,
  mirrors: Readonly<Record<string, MirrorText>>,
): string {
  const upstreamLines = Object.entries(upstreams).map(
    ([name, url]) => `  ${name}: { format: apt, url: "${url}", keys: [keys/${name}.asc] }`,
  )
  const mirrorLines = Object.entries(mirrors).flatMap(([name, mirror]) => [
    `  ${name}:`,
    `    format: apt`,
    `    upstreams: [${(mirror.upstreams ?? Object.keys(upstreams)).join(', ')}]`,
    `    suite: stable`,
    `    architectures: [amd64]`,
    `    packages: ${mirror.packages ?? 'packages.json'}`,
    ...(mirror.more ?? []).map((line) => `    ${line}`),
  ])
  return ['site: test', 'upstreams:', ...upstreamLines, 'mirrors:', ...mirrorLines, ''].join('\n')
}

/** A package list, one name a line, so that positions are easy to name. */
export function packageList(names: readonly string[]): string {
  return `[\n${names.map((name) => `  ${JSON.stringify(name)}`).join(',\n')}\n]\n`
}
