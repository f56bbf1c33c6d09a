/**
 * What a record has under a name that somebody else chose. Every object has a `constructor`, and a mirror may be called so:
 * what is inherited is no answer.
 */
export function ownValue<Value>(record: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined
}
