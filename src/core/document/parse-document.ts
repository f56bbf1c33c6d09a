import type { Parsed } from './document.ts'
import { parseJson } from './parse-json.ts'
import { parseYaml } from './parse-yaml.ts'
import { decodeSource, isProblem } from './source.ts'

/** Largest YAML file that is read. Its parser needs some seconds for the worst that fits. */
const largestYamlBytes = 1024 * 1024
/** Largest JSON file that is read: a list of millions of packages. */
const largestJsonBytes = 64 * 1024 * 1024

/** Reads a file of the site as what its name says: JSON for `.json`, YAML for `.yaml` and `.yml`. Never throws. */
export function parseSiteFile(bytes: Uint8Array, file: string): Parsed {
  const isJson = /\.json$/i.test(file)
  if (!isJson && !/\.ya?ml$/i.test(file)) {
    const message = 'the name of the file does not tell what is in it'
    const expected = 'a name that ends in .json, .yaml or .yml'
    return { document: undefined, problems: [{ severity: 'error', file, line: 1, column: 1, message, expected }] }
  }
  const source = decodeSource(bytes, file, isJson ? largestJsonBytes : largestYamlBytes)
  if (isProblem(source)) return { document: undefined, problems: [source] }
  return isJson ? parseJson(source, file) : parseYaml(source, file)
}
