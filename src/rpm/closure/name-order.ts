/** By number of a name, its place in code-unit order among those of these numbers. */
export function placesOf(names: readonly string[], ids: Iterable<number>): Uint32Array {
  const sorted = Uint32Array.from(ids).sort((a, b) => (names[a]! < names[b]! ? -1 : 1))
  const places = new Uint32Array(names.length)
  for (let place = 0; place < sorted.length; place++) places[sorted[place]!] = place
  return places
}
