/**
 * Text from outside without what a terminal takes for an order and what turns the direction of writing: such characters
 * become spaces. Line ends and tabs stay. Source: ECMA-48; Unicode Standard Annex #9, "Directional Formatting Characters".
 */
export function plainText(text: string): string {
  return text.replaceAll(orders, ' ')
}

const orders = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
