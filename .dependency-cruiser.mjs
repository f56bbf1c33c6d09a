/**
 * The arrows between the rooms of src/. `npm run check` draws them; scripts/arrows.test.ts proves that each rule
 * catches what it is there for.
 */

/** Room → the rooms that it may import, which it does (scripts/arrows.test.ts), and why no others. */
export const rooms = {
  core: { may: [], why: 'everything stands on core, so it stands on nothing of ours' },
  state: { may: ['core'], why: 'the database knows rows and jobs, not what they are about' },
  store: { may: ['core', 'state'], why: 'a blob is bytes with a digest, whatever is in it' },
  publish: { may: ['core', 'state', 'store', 'openpgp'], why: 'it takes a tree and never asks what is in it' },
  fetch: { may: ['core', 'store'], why: 'it moves bytes into the store and knows no package format' },
  unpack: { may: ['core'], why: 'bytes come in packed and go out unpacked, wherever they are from' },
  pieces: {
    may: ['core', 'state', 'store', 'publish'],
    why: 'an index is chunks of bytes, whichever format wrote them',
  },
  table: { may: ['core'], why: 'columns and interned bytes know nothing of what they hold' },
  solve: { may: [], why: 'clauses over numbered variables are the same for every format' },
  openpgp: { may: ['core'], why: 'whose signature is good does not depend on what was signed' },
  mirror: {
    may: ['core', 'store', 'publish', 'pieces', 'openpgp'],
    why: 'what all package formats share must know none of them; a format is handed in by the composition root',
  },
  apt: {
    may: ['core', 'state', 'store', 'publish', 'fetch', 'unpack', 'pieces', 'table', 'solve', 'openpgp', 'mirror'],
    why: 'a format never imports another format, nor what calls it',
  },
  rpm: {
    may: ['core', 'state', 'store', 'publish', 'fetch', 'unpack', 'pieces', 'table', 'solve', 'openpgp', 'mirror'],
    why: 'a format never imports another format, nor what calls it',
  },
  oci: {
    may: ['core', 'state', 'store', 'publish', 'fetch', 'unpack'],
    why: 'images and packages share the store and nothing of their formats',
  },
  fleet: {
    may: ['core', 'state', 'publish'],
    why: 'machines are told of mirrors and images by what is handed in: an address, a key, a digest',
  },
  forge: {
    may: ['core'],
    why: 'it turns what a forge says into events, keeps none and knows nothing of what they cause',
  },
  pipeline: {
    may: ['core', 'state', 'forge'],
    why: 'it walks kinds that it is handed and knows none of them by name',
  },
  app: {
    may: ['core', 'state', 'store', 'publish', 'fetch', 'mirror', 'apt', 'rpm', 'oci', 'fleet', 'forge', 'pipeline'],
    why: 'the composition root is the one place that knows all',
  },
}

/** Packages that are the one way in to something (invariant 7), and who may hold them. */
const gates = [
  { package: 'undici', may: ['fetch', 'app'], why: 'limits, retries, resuming and hashing are in fetch, or nowhere' },
  {
    package: 'node:sqlite',
    may: ['state'],
    why: 'one place knows which database it is, so that PostgreSQL can stand there',
  },
  { package: 'pino', may: ['core'], why: 'core/log.ts takes secrets out of every line' },
  { package: 'fastify', may: ['app'], why: 'handlers return data; only app knows HTTP' },
  { package: 'commander', may: ['app'], why: 'handlers return data; only app knows a command line' },
]

/** Tests, contract suites, and the folders `testing/`, which hold what several tests share. */
const tests = '([.](test|contract)[.]ts$|^src/.+/testing/)'
const roomNames = Object.keys(rooms)

const arrows = roomNames.map((room) => ({
  name: `room-${room}`,
  comment: `src/${room} may import ${rooms[room].may.join(', ') || 'no other room'}: ${rooms[room].why}.`,
  severity: 'error',
  from: { path: `^src/${room}/`, pathNot: tests },
  to: { path: '^src/', pathNot: `^src/(${[room, ...rooms[room].may].join('|')})/` },
}))

const guarded = gates.map((gate) => ({
  name: `gate-${gate.package.replace('node:', '')}`,
  comment: `Only ${gate.may.join(' and ')} may import ${gate.package}: ${gate.why}.`,
  severity: 'error',
  from: { path: '^src/', pathNot: [`^src/(${gate.may.join('|')})/`, tests] },
  to: { path: `^(node_modules/${gate.package}/|${gate.package.replace('node:', '')}$|${gate.package}$)` },
}))

export default {
  forbidden: [
    ...arrows,
    ...guarded,
    {
      name: 'room-unknown',
      comment: 'A new room is a decision: give it a row in .dependency-cruiser.mjs and in docs/design.md.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${roomNames.join('|')})/` },
      to: {},
    },
    {
      name: 'index-only',
      comment: 'Outsiders import the index.ts of a room only, so that the inside of a room can be changed freely.',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: tests },
      to: { path: '^src/', pathNot: ['^src/$1/', '^src/[^/]+/index[.]ts$'] },
    },
    {
      name: 'index-not-from-inside',
      comment: 'Inside a room the file itself is imported: through the index, everything would depend on everything.',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: tests },
      to: { path: '^src/$1/index[.]ts$' },
    },
    {
      name: 'no-cycles',
      comment: 'Files in a circle are one file. Circles of types alone are harmless and allowed.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'product-without-tests',
      comment: 'What is shipped never needs tests, benchmarks, scripts or development dependencies.',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: { path: ['^(test|bench|demo|scripts)/', tests, '^node_modules/(vitest|fast-check)/'] },
    },
    {
      name: 'resolvable',
      comment: 'An import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: '^node_modules/' },
    // `import type` is an arrow too: who needs the type needs the room.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
    skipAnalysisNotInRules: true,
  },
}
