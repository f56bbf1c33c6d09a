/** What a text says as JSON, or undefined when it is none: for what somebody else wrote, where anything may stand. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
