import { LarderError } from '../../core/index.ts'

/**
 * One word of a configuration of HAProxy (configuration manual 2.6, §2.2): between single quotes everything is what it is, `$`
 * and `#` too. FLEET_VALUE_UNUSABLE for what no line can hold.
 */
export function quoteWord(value: string): string {
  if (/[\u0000-\u001f\u007f]/.test(value)) {
    throw new LarderError('FLEET_VALUE_UNUSABLE', {
      message: `${JSON.stringify(value.slice(0, 60))} has a control character, which no configuration of HAProxy can hold.`,
      hint: 'Leave it out.',
    })
  }
  return /^[A-Za-z0-9._:/*-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`
}
