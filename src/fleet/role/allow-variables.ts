type Json = Readonly<Record<string, unknown>>

const variable = { type: 'string', pattern: '\\{\\{\\s*[A-Za-z_]\\w*\\s*\\}\\}' }

/** Keys of JSON Schema with schemas below them. */
const inProperties = ['properties', 'patternProperties']
const inValues = ['items', 'additionalProperties']
const inChoices = ['anyOf', 'oneOf', 'allOf']

/** A JSON Schema that takes `{{name}}` in place of every value within, as roles do; what is `literal` is taken as it is. */
export function allowVariables(schema: Json, literal: ReadonlySet<string>): Json {
  const within = (one: unknown): unknown => (isSchema(one) ? orVariable(allowVariables(one, literal)) : one)
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]): [string, unknown] => {
      if (inValues.includes(key)) return [key, within(value)]
      if (inChoices.includes(key) && Array.isArray(value)) {
        return [key, value.map((one: unknown) => (isSchema(one) ? allowVariables(one, literal) : one))]
      }
      if (!inProperties.includes(key) || !isSchema(value)) return [key, value]
      return [
        key,
        Object.fromEntries(Object.entries(value).map(([name, one]) => [name, literal.has(name) ? one : within(one)])),
      ]
    }),
  )
}

/** Editors show what is written beside the choice. */
function orVariable({ description, default: fallback, ...schema }: Json): Json {
  const shown = {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  }
  return { ...shown, anyOf: [schema, variable] }
}

function isSchema(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
